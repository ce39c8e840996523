"""What is stored: credentials and secrets, sealed by keys that are wrapped by the master keys, and the log of who read them."""
