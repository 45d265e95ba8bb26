"""Readers of manifests: the HTML page and its figures."""
