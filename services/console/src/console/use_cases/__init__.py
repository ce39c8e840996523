"""What people do with the console, one module a noun; the API is the only way in."""
