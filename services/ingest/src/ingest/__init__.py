"""Ingest: what vendors send and what we read from them becomes change events."""
