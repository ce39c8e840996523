"""Brings write commands into companies of QuickBooks: what is known of a customer's activity, as notes."""
