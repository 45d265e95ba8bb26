"""The harness through lm-eval's own vLLM class, whose engine is a stand-in made of transformers.

vLLM needs a GPU; what we pass to it, which ids reach it and what is read from it do not.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openbezoar.store import Store

FILES = {
    "vllm-0.33.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: vllm\nVersion: 0.33.0\n",
    "vllm/lora/__init__.py": "",
    "vllm/lora/request.py": "class LoRARequest: ...\n",
    "vllm/renderers/__init__.py": "",
    "vllm/renderers/hf.py": (
        "def resolve_chat_template(tokenizer, chat_template, tools, *, model_config):\n"
        "    return chat_template or tokenizer.chat_template\n"
    ),
    "vllm/tokenizers.py": (
        "from transformers import AutoTokenizer\n"
        "def get_tokenizer(name, *, tokenizer_mode, trust_remote_code, revision):\n"
        "    return AutoTokenizer.from_pretrained(name)\n"
    ),
    "vllm/__init__.py": '''
import json, os
from types import SimpleNamespace

class SamplingParams(SimpleNamespace): ...

def TokensPrompt(prompt_token_ids):
    return prompt_token_ids

class LLM:
    """Takes the arguments that vLLM's own takes, and knows one way to answer."""

    def __init__(self, model, *, dtype, tensor_parallel_size, gpu_memory_utilization, seed,
                 trust_remote_code, tokenizer, tokenizer_mode, revision, tokenizer_revision,
                 max_model_len, max_num_seqs, quantization, enable_lora, max_lora_rank):
        import torch
        from transformers import AutoModelForCausalLM
        assert not trust_remote_code and os.environ["VLLM_NO_USAGE_STATS"] == "1"
        os.write(1, b"engine begins\\n")
        told = [dtype, tensor_parallel_size, gpu_memory_utilization]
        with open("told.json", "w") as file:
            json.dump(told, file)
        self.weights = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype))
        config = SimpleNamespace(max_model_len=self.weights.config.max_position_embeddings)
        self.llm_engine = SimpleNamespace(model_config=config)

    def generate(self, prompts, *, sampling_params, use_tqdm, lora_request):
        import torch
        outputs = []
        for ids in prompts:
            with torch.inference_mode():
                logits = self.weights(torch.tensor([ids])).logits[0].float().log_softmax(-1)
            known = [None]
            for row, token in zip(logits[:-1], ids[1:]):
                best = int(row.argmax())
                known.append({token: float(row[token]), best: float(row[best])})
            outputs.append(SimpleNamespace(prompt_logprobs=known))
        return outputs
''',
}
RECIPE = """\
name: twice
models: {{student: {{kind: transformers, checkpoint: {checkpoint}}}}}
stages:
  here: {{kind: evaluate, model: student, evaluations: [{harness}}}]}}
  there: {{kind: evaluate, model: student, evaluations: [{harness}, backend: vllm}}]}}
"""
HARNESS = (
    "{kind: harness, data: sample, limit: 6, chat_template: both, precision: float32, "
    "runtime: {device: cpu, gpus: 2, gpu_memory: 0.5}"
)


@pytest.mark.slow
def test_the_same_questions_in_the_same_ids_reach_vllm_and_its_answers_are_read(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    for name, text in FILES.items():
        path = tmp_path / "stand_in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    recipe = RECIPE.format(checkpoint=tiny_checkpoint, harness=HARNESS)
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    known = [str(tmp_path / "stand_in"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-c", "from openbezoar.cli import main; main()",
         "run", "recipe.yaml", "--store", "store"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(known)},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "engine begins" not in done.stdout
    here, there = (_answers(Store(tmp_path / "store"), stage) for stage in ("here", "there"))
    assert len(here) == 12
    assert {place: pytest.approx(sums, rel=1e-4) for place, sums in here.items()} == there
    assert json.loads((tmp_path / "told.json").read_text()) == ["float32", 2, 0.5]


def _answers(store: Store, stage: str) -> dict[Any, list[float]]:
    """The log-likelihood of every choice, by row and way of asking."""
    [artifact] = [one for one in store.artifacts() if one.manifest.stage == stage]
    lines = (artifact.folder / "items.jsonl").read_text(encoding="utf-8").splitlines()
    items = map(json.loads, lines)
    return {
        (one["id"], one["chat_template"]): [answer[0] for answer in one["answers"]] for one in items
    }
