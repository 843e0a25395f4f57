"""A night on call, by script: `make night`. Real Kafka, real workers, the project's alerts in a real Prometheus."""
