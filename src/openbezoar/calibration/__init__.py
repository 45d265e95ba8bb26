"""Measures a judge on rows that a person labelled, and sets the threshold that rows are kept by."""
