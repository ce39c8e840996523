"""Zoho accounts, simulated: consent, tokens and budgets in eight data centres."""
