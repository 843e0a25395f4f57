"""The only package that knows Faust and Kafka, and the only asynchronous code."""
