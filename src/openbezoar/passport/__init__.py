"""A row's passport: what it is, how it was made, what it came from, and where it went."""
