"""Apache Kafka on this machine, for tests and laptops: fetched with Maven once, started without Docker."""
