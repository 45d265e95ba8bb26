"""Checkpoints and LoRA adapters: loading, quantising, attaching, merging, saving as safetensors."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PositiveInt

from openbezoar.component import Component
from openbezoar.errors import ConfigError

if TYPE_CHECKING:
    import torch

__all__ = [
    "Lora",
    "Precision",
    "adapter_tensors",
    "attach_adapter",
    "device_for",
    "load_model",
    "quiet",
    "refuse_quantised",
    "save_adapter",
    "set_dropout",
    "vocabulary",
]

Precision = Literal["float32", "bfloat16", "nf4"]
Target = Annotated[str, Field(min_length=1)]


class Lora(Component):
    """The low-rank adapter (arXiv 2106.09685); defaults from the OpenBezoar-SFT card."""

    r: PositiveInt = 16
    """Rank."""
    alpha: PositiveInt = 16
    """The update is scaled by alpha / r."""
    dropout: float = Field(default=0.05, ge=0, lt=1)
    """The share of an adapter's inputs that is left out at each step."""
    targets: tuple[Target, ...] = Field(("q_proj", "k_proj", "v_proj"), min_length=1)
    """The linear layers that get an adapter."""


def device_for(wanted: str) -> str:
    """`auto` as the device this machine has; anything else as it is."""
    import torch

    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def load_model(folder: Path, device: str = "cpu", precision: Precision = "bfloat16") -> Any:
    """Read a checkpoint in evaluation mode; nf4 is QLoRA's NF4 with double quantisation."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    settings: dict[str, Any] = {
        "dtype": torch.float32 if precision == "float32" else torch.bfloat16
    }
    if precision == "nf4":
        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    with quiet():
        model = AutoModelForCausalLM.from_pretrained(
            str(folder),
            attn_implementation="sdpa",
            device_map={"": device},
            use_safetensors=True,
            **settings,
        )
    return model.eval()


def refuse_quantised(folder: Path) -> None:
    """Raise ConfigError when a checkpoint's weights are quantised on disk.

    Four bits must be ours to round to, from weights that are still there to merge into.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("quantization_config"):
        raise ConfigError(
            f"{folder}: its weights are quantised, and no adapter is merged into such; name the "
            "16-bit checkpoint that they were made from"
        )


def vocabulary(folder: Path) -> int:
    """How many tokens a checkpoint has embeddings for, which no stage changes."""
    from transformers import AutoConfig

    size: int = AutoConfig.from_pretrained(str(folder)).get_text_config().vocab_size
    return size


def attach_adapter(model: Any, lora: Lora, trained: Path | None = None, seed: int = 0) -> Any:
    """Give the model a new adapter drawn from `seed`, or go on with the one in `trained`."""
    import torch
    from peft import LoraConfig, PeftModel, TaskType, get_peft_model

    from openbezoar.training.layers import check_targets, linear_layers
    from openbezoar.training.lean import use_lean_layers

    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.train()
    with quiet():
        if trained is not None:
            going_on = PeftModel.from_pretrained(model, str(trained), is_trainable=True)
            use_lean_layers(going_on)
            return going_on
        check_targets(lora.targets, linear_layers(model))
        config = LoraConfig(
            r=lora.r,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            bias="none",
            target_modules=list(lora.targets),
            task_type=TaskType.CAUSAL_LM,
        )
        torch.manual_seed(seed)
        adapted = get_peft_model(model, config)
    use_lean_layers(adapted)
    return adapted


def save_adapter(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write adapter weights (float32 safetensors), its configuration and the tokenizer."""
    with quiet():
        model.save_pretrained(str(folder), safe_serialization=True)
        tokenizer.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)
    _make_reproducible(folder / "adapter_config.json")


def set_dropout(model: Any, on: bool) -> None:
    """Switch dropout alone; a model in training never leaves training mode.

    In evaluation mode bitsandbytes repacks 4-bit weights for inference on CPUs with AVX-512 bf16,
    for good, and every gradient through them is silently zero from then on.
    """
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.train(on)


def adapter_tensors(model: Any) -> "dict[str, torch.Tensor]":
    """The trainable tensors by name, in a stable order."""
    return {
        name: parameter
        for name, parameter in sorted(model.named_parameters())
        if parameter.requires_grad
    }


@contextmanager
def quiet() -> Iterator[None]:
    """Keep libraries' progress bars and advice off the screen."""
    import warnings

    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    level = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def _make_reproducible(path: Path) -> None:
    """Sets get an order, and the folder the base was read from is left out."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config["target_modules"] = sorted(config["target_modules"])
    config["base_model_name_or_path"] = None
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
