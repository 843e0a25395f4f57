"""Keys of entities that an event does not name itself: domains of its links, networks, near-duplicate texts."""
