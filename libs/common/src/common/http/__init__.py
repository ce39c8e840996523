"""The one door to vendors: tokens, budgets, timeouts, spans, and a sink for every attempt."""
