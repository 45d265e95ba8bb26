"""TRL's side of sft.py and dpo.py: the trainings of one job by SFTTrainer or DPOTrainer.

Rows come as token ids, so that both sides learn the same tokens behind the same masks: SFTTrainer
takes them as they are, DPOTrainer after its own tokenising is left out.
"""

import json
import logging
import math
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from datasets import Dataset, disable_progress_bars  # noqa: E402 - after the lines above, as all
from peft import LoraConfig  # noqa: E402
from transformers import AutoTokenizer, PrinterCallback  # noqa: E402
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer, pack_dataset  # noqa: E402

from benchmarks.training_peers import engine  # noqa: E402
from benchmarks.training_peers.engine import Passed  # noqa: E402
from benchmarks.training_peers.jobs import LORA, Job, read, versions  # noqa: E402
from openbezoar.training.adapters import load_model  # noqa: E402
from openbezoar.training.packing import Row  # noqa: E402


class Pairs(DPOTrainer):
    """DPOTrainer over token ids; it clocks the reference's pass that comes before training."""

    reference_seconds = 0.0

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, *given: Any) -> Any:
        began = time.perf_counter()
        found = super()._precompute_ref_logps(*given)
        self.reference_seconds += time.perf_counter() - began
        return found


def main() -> None:
    """Train as often as the job says; print what it took as one JSON object."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    disable_progress_bars()
    job = read(sys.argv[1])
    rows = engine.read_rows(job.rows)
    model = load_model(Path(job.folder), job.device, job.precision)
    model.set_attn_implementation(job.settings["attention"])
    passed = []
    for number, count in enumerate(job.passes):
        ordered = engine.in_order(rows[:count], job)
        with tempfile.TemporaryDirectory() as scratch:
            trainer = TRAINERS[job.objective](model, ordered, job, (number, scratch))
            passed.append(clocked(trainer, job))
        model = trainer.model.unload()
    result = {
        "seconds": [one.seconds for one in passed],
        "losses": [one.losses for one in passed],
        "peak_mb": round(engine.peak_mb(job.device), 1),
        "machine": engine.machine(job.device),
        "versions": versions(),
    }
    print(json.dumps(result))


def clocked(trainer: Any, job: Job) -> Passed:
    """One training, and the pass for the reference that it needed before."""
    trainer.remove_callback(PrinterCallback)
    engine.settle(trainer.model)
    engine.forget_peak(job.device)
    began = time.perf_counter()
    trainer.train()
    engine.synchronise(job.device)
    seconds = time.perf_counter() - began + getattr(trainer, "reference_seconds", 0.0)
    return Passed(seconds, [line["loss"] for line in trainer.state.log_history if "loss" in line])


def supervised(model: Any, rows: Sequence[Row], job: Job, made: tuple[int, str]) -> SFTTrainer:
    """SFTTrainer, padded or packed."""
    settings = job.settings
    columns = [
        {
            "input_ids": one.ids,
            "labels": [
                id_ if on else -100 for id_, on in zip(one.ids, one.supervised, strict=True)
            ],
        }
        for (one,) in rows
    ]
    dataset = Dataset.from_list(columns)
    own: dict[str, Any] = {"max_length": job.max_tokens}
    share = job.batch_rows // settings["batch"]
    if strategy := settings.get("packing"):
        length = settings["pack_length"] or max(len(one.ids) for (one,) in rows)
        packs = len(pack_dataset(dataset, length, strategy))
        share = math.ceil(packs / math.ceil(len(rows) / job.batch_rows) / settings["batch"])
        own = {"max_length": length, "packing": True, "packing_strategy": strategy}
    args = SFTConfig(**common(job, made[1], share), **own)
    return SFTTrainer(
        model=model,
        args=args,
        train_dataset=dataset,
        processing_class=tokenizer(job),
        peft_config=adapter(),
    )


def preferring(model: Any, rows: Sequence[Row], job: Job, made: tuple[int, str]) -> DPOTrainer:
    """DPOTrainer; the number of the training keeps it from finding an earlier one's reference."""
    columns = []
    for chosen, rejected in rows:
        length = engine.prompt_length(chosen)
        columns.append(
            {
                "prompt_ids": chosen.ids[:length],
                "chosen_ids": chosen.ids[length:],
                "rejected_ids": rejected.ids[length:],
                "training": made[0],
            }
        )
    args = DPOConfig(
        **common(job, made[1], job.batch_rows // job.settings["batch"]),
        max_length=job.max_tokens,
        beta=0.1,
        precompute_ref_log_probs=job.settings["precompute"],
    )
    return Pairs(
        model=model,
        args=args,
        train_dataset=Dataset.from_list(columns),
        processing_class=tokenizer(job),
        peft_config=adapter(),
    )


def common(job: Job, scratch: str, accumulate: int) -> dict[str, Any]:
    """What both trainers are told: our schedule, optimiser and clipping; nothing saved."""
    return {
        "output_dir": scratch,
        "per_device_train_batch_size": job.settings["batch"],
        "gradient_accumulation_steps": accumulate,
        "train_sampling_strategy": job.settings.get("sampling", "sequential"),
        "num_train_epochs": 1,
        "learning_rate": job.learning_rate,
        "lr_scheduler_type": "linear",
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "bf16": job.settings["autocast"],
        "use_liger_kernel": job.settings.get("liger", False),
        "gradient_checkpointing": False,
        "use_cpu": job.device == "cpu",
        "dataloader_pin_memory": job.device != "cpu",
        "logging_steps": 1,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
    }


def adapter() -> LoraConfig:
    """Our adapter, as peft names it."""
    return LoraConfig(
        r=LORA["r"],
        lora_alpha=LORA["alpha"],
        lora_dropout=LORA["dropout"],
        bias="none",
        target_modules=list(LORA["targets"]),
        task_type="CAUSAL_LM",
    )


def tokenizer(job: Job) -> Any:
    """The checkpoint's; it gives the token that pads."""
    return AutoTokenizer.from_pretrained(job.folder)


TRAINERS = {"sft": supervised, "dpo": preferring}

if __name__ == "__main__":
    main()
