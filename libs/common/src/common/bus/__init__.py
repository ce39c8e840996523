"""Kafka carries and replays: consumers that lose nothing, a producer with a deadline, dead letters, the messaging trace."""
