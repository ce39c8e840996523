"""Owns every credential: consents, the vault, one refresh at a time, and tokens for the services that may have them."""
