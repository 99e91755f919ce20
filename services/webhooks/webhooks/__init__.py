"""Tells facts to those without Kafka: signed HTTP requests to the addresses that a workspace names."""
