"""Brings write commands into the audiences of Mailchimp."""
