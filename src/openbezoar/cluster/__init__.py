"""Rows at work on the machines of a Ray cluster, while all that must be counted stays here."""
