"""How long it takes, against the real Kamal in the same lab."""
