"""The language in which the stages speak to each other."""
