"""What Millrace knows about each vendor; services say where things run, this package says what is true."""
