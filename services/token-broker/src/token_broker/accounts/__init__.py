"""The vendors' side: our registration at each, and what is asked of their accounts servers."""
