"""The console: people and programs look, decide and replay here."""
