"""The broker over HTTP: who may ask for what, for services, for the console, and for a person's browser."""
