"""Filters keep or drop rows, each with a reason."""
