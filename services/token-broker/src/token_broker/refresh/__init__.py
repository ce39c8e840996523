"""How an access token stays fresh: one refresh in flight per grant, ahead of expiry, handed out only once it is stored."""
