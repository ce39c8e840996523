"""The console's repositories: the rows of `core` that it owns."""
