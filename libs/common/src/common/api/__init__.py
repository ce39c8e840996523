"""The edge of our own HTTP APIs: what a request meets first, who asks, and how every refusal looks."""
