"""This process's memory: its peak, and giving freed memory back to the system."""

import ctypes
import gc
import resource
import sys
from pathlib import Path

__all__ = ["peak_mb", "release", "reset_peak"]


def reset_peak() -> None:
    """Start counting the peak anew, where the kernel lets a process do so (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak_mb() -> float:
    """The most memory held at once since the last reset, in MiB."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def release() -> None:
    """Give freed memory back: what one stage or step used must not weigh on the next."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
        if trim is not None:
            trim(0)
