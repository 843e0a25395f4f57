"""Entity state in RocksDB: one record for each entity, beside the features as they were scored."""
