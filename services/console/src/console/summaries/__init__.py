"""The summary of a day: which day, what of it, in which words."""
