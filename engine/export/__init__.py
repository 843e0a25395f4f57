"""Topics as Parquet by hour, for a warehouse: each message once, also after a crash."""
