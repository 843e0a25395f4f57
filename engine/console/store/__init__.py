"""What the console knows, in SQLite or PostgreSQL. It knows neither Kafka nor the web."""
