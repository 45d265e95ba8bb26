"""Models that answer: servers, embedded models, checkpoints, scripts; and their policies."""
