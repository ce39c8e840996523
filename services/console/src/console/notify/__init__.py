"""Telling people outside: what is told, to which addresses, by mail or by a signed webhook."""
