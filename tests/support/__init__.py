"""What several tests need to start and ask real things."""
