"""Two records of two systems that are one thing and are edited on both sides: what is known of them, and what each side shall get."""
