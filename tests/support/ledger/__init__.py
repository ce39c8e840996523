"""A ledger for tests: a simulated vendor in a process of its own, and the product's side of it in `vendor/`; neither knows the other."""
