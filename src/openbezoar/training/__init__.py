"""The training engine: format, packing, attention, log-probabilities, adapters and the loop."""

import logging
import sys

# With `kernels` installed bitsandbytes would fetch compiled code from the hub and run it, unasked;
# without it, it advises to install it. `None` is how Python is told that a module cannot be had.
sys.modules.setdefault("kernels", None)  # type: ignore[arg-type] # typeshed knows modules only
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
