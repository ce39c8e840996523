"""Brings write commands into the products of Zoho that can be written to: customers, and orders as invoices."""
