"""The training engine: format, packing, attention, log-probabilities, adapters and the loop."""
