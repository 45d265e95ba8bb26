"""What was published is loaded by the libraries that its card names, and answers as ours does."""

import re
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openbezoar import shelf
from openbezoar.publishing.claim import Claim
from openbezoar.publishing.folder import Folder
from openbezoar.publishing.publication import Wishes, prepared
from openbezoar.training.adapters import quiet
from tests.cards.conftest import ROWS, WEIGHTS, Made

pytestmark = pytest.mark.slow
BASE = "me/tiny"
WORDS = [{"role": "user", "content": "Name a colour."}]
Publish = Callable[[str], Path]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Made:
    """A store with an adapter that learned much, and the model it was merged into."""
    student = f"  student: {{kind: transformers, licence: mit, checkpoint: {tiny_checkpoint}}}\n"
    text = ROWS.replace("stages:\n", f"{student}stages:\n") + WEIGHTS.partition("  scores:")[0]
    text = text.replace("batch_rows: 4", "batch_rows: 1, learning_rate: 5.0e-2")
    return Made(tmp_path_factory.mktemp("weights"), text)


@pytest.fixture
def publish(weights: Made, tmp_path: Path, tiny_checkpoint: Path) -> Publish:
    """Publish a stage; the folder, with the base beside it under its name on the hub."""

    def to_folder(stage: str) -> Path:
        folder = tmp_path / "out"
        base = BASE if stage == "sft" else ""
        wishes = Wishes(accept_findings="the card names a folder", base=base)
        with prepared(weights.store, shelf.latest(weights.store, stage), wishes) as found:
            found.check()
            Folder(folder, Claim.of(found.artifact, replace=False)).send(found.files, found.message)
        shutil.copytree(tiny_checkpoint, folder / BASE)
        return folder

    return to_folder


def logits(model: Any, tokenizer: Any) -> Any:
    import torch

    prompt = tokenizer.apply_chat_template(
        WORDS, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        return model.eval()(**prompt).logits.float()


def trained(weights: Made, tiny_checkpoint: Path) -> Any:
    """The model as training left it: our base with our adapter."""
    from openbezoar.training.adapters import Lora, attach_adapter, load_model

    base = load_model(tiny_checkpoint, precision="float32")
    return attach_adapter(base, Lora(), weights.artifact("sft").folder / "adapter")


def test_peft_puts_a_published_adapter_on_its_base_with_our_logits(
    weights: Made, publish: Publish, tiny_checkpoint: Path
) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = publish("sft")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    base = AutoModelForCausalLM.from_pretrained(tiny_checkpoint, dtype=torch.float32)
    before = logits(base, tokenizer)
    with quiet():
        adapted = PeftModel.from_pretrained(base, folder)
    assert adapted.peft_config["default"].base_model_name_or_path == BASE
    theirs, ours = logits(adapted, tokenizer), logits(trained(weights, tiny_checkpoint), tokenizer)
    assert (theirs - before).abs().max() > 0.05
    torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=1e-5)


def test_transformers_loads_a_published_model_with_our_logits_template_and_end(
    weights: Made, publish: Publish, tiny_checkpoint: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    from openbezoar.training.format import Format

    folder = publish("model")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ours = logits(trained(weights, tiny_checkpoint), tokenizer)
    apart = logits(model, tokenizer) - ours
    assert apart.abs().max() < 0.02 * ours.abs().max()  # weights in bfloat16
    assert Format.load(folder).fingerprint == weights.artifact("sft").numbers["format"]
    assert "### Instruction:" in tokenizer.apply_chat_template(WORDS, tokenize=False)
    ends = GenerationConfig.from_pretrained(folder).eos_token_id
    assert tokenizer.eos_token_id in (ends if isinstance(ends, list) else [ends])


@pytest.mark.parametrize("stage", ["sft", "model"])
def test_the_lines_that_a_card_shows_run_beside_it(
    publish: Publish,
    stage: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = publish(stage)
    lines = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert lines is not None
    (folder / "call.py").write_text(lines[1].replace("256", "4"))
    monkeypatch.chdir(folder)
    with quiet():
        told = runpy.run_path("call.py")
    assert told["answer"].shape[1] > told["prompt"]["input_ids"].shape[1]
    assert capsys.readouterr().out.endswith("\n")
