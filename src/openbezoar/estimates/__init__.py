"""What a run will cost before it runs, and how that compares with what it took."""
