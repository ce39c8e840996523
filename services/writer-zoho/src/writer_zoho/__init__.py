"""Brings write commands into organisations of Zoho Books: customers, and orders as invoices."""
