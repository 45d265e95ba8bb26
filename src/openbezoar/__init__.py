"""OpenBezoar: a base model, a teacher and seed rows in, a small aligned chat model out."""

from importlib.metadata import version

__version__ = version("openbezoar")
