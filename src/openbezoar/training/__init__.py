"""The training engine: format, packing, attention, log-probabilities, adapters and the loop."""

import logging

# bitsandbytes advises to install a package that would fetch compiled code from the hub.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
