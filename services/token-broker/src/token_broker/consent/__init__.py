"""How a credential comes in and goes: by a person's consent, by a key, by client credentials; and its end at the vendor."""
