"""Judges grade one answer each, or say that they cannot."""
