"""Evaluations measure a model."""
