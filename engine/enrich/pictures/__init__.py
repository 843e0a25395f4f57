"""Pictures: fetched where that is allowed, looked at in a confined process, told apart by hashes that copies share."""
