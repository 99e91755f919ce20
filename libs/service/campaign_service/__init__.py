"""What every service does the same way at its edges: tokens, problems, health, logs, Kafka in and out, shutdown."""
