"""How a benchmark's items are found in other texts; imported only when a filter opens."""
