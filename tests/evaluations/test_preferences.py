"""The share of pairs that are ranked as people ranked them."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openbezoar.errors import ConfigError
from openbezoar.evaluations.likelihood import LikelihoodRuntime
from openbezoar.evaluations.preferences import Preferences
from openbezoar.families import Subject
from openbezoar.records import Example, Message, Preference
from openbezoar.statistics import wilson
from tests.conftest import save_checkpoint

if TYPE_CHECKING:
    from tests.evaluations.conftest import Desk

SETTINGS = {"data": "held", "precision": "float32", "runtime": LikelihoodRuntime(device="cpu")}
ON_CPU = Preferences.model_validate(SETTINGS)
SHORT, LONG = "Yes.", "Yes, and here is why it is so."


def pair(name: str, chosen: str, rejected: str, turns: int = 1, subset: str = "") -> Preference:
    texts = [("user", "Is it so?"), ("assistant", "Ask again.")] * turns
    prompt = tuple(Message.model_validate({"role": r, "content": c}) for r, c in texts[:-1])
    return Preference(id=name, prompt=prompt, chosen=chosen, rejected=rejected, subset=subset)


def test_summed_likelihood_favours_the_shorter_answer(desk: "Desk", subject: Subject) -> None:
    """Every token costs a random model about 5.6 nats, so 5 tokens beat 31."""
    desk.put("held", [pair("a", SHORT, LONG), pair("b", LONG, SHORT)], "preferences")
    scores = {score.name: score for score in ON_CPU.measure(subject, desk.bench())}
    share = scores["preferences.held.sum"]
    assert (share.value, share.n) == (0.5, 2)
    assert (share.low, share.high) == wilson(1, 2)


def test_the_share_per_token_compares_means_over_tokens(desk: "Desk", subject: Subject) -> None:
    desk.put("held", [pair("a", SHORT, LONG)], "preferences")
    scores = {score.name: score for score in ON_CPU.measure(subject, desk.bench())}
    [item] = desk.notes("items.jsonl")
    chosen, rejected = (
        float(str(item[side])) / int(str(item[f"{side}_tokens"])) for side in ("chosen", "rejected")
    )
    assert scores["preferences.held.per_token"].value == float(chosen > rejected)


def test_shares_are_told_apart_by_subset_and_by_turns(desk: "Desk", subject: Subject) -> None:
    rows = [
        pair("a", SHORT, LONG, 1, "helpful"),
        pair("b", SHORT, LONG, 2, "helpful"),
        pair("c", LONG, SHORT, 2, "harmless"),
    ]
    desk.put("held", rows, "preferences data set", "valid.jsonl")
    scores = {score.name: score.value for score in ON_CPU.measure(subject, desk.bench())}
    assert scores["preferences.held.sum.helpful"] == 1
    assert scores["preferences.held.sum.harmless"] == 0
    assert scores["preferences.held.sum.turns_1"] == 1
    assert scores["preferences.held.sum.turns_2"] == 0.5


def test_a_single_kind_of_pair_is_not_reported_twice(desk: "Desk", subject: Subject) -> None:
    desk.put("held", [pair("a", SHORT, LONG, 1, "helpful")], "preferences")
    names = [score.name for score in ON_CPU.measure(subject, desk.bench())]
    assert names == ["preferences.held.sum", "preferences.held.per_token"]


def test_a_model_has_no_reward_against_itself(
    desk: "Desk", subject: Subject, tiny_checkpoint: Path
) -> None:
    desk.put("held", [pair("a", SHORT, LONG), pair("b", LONG, SHORT)], "preferences")
    base = desk.put("base", [], "model")
    shutil.copytree(tiny_checkpoint, base.folder / "model")
    evaluation = ON_CPU.model_copy(update={"reference": "base"})
    scores = {score.name: score for score in evaluation.measure(subject, desk.bench())}
    assert scores["preferences.held.reward"].value == 0
    assert scores["preferences.held.reward_margin"].value == 0
    assert scores["preferences.held.reward_per_token"].value == 0
    assert evaluation.reads() == ("held", "base")


def test_the_reward_is_the_change_of_the_margin_times_beta(
    desk: "Desk", subject: Subject, tiny_checkpoint: Path
) -> None:
    desk.put("held", [pair("a", SHORT, LONG)], "preferences")
    base = desk.put("base", [], "model")
    _reseeded(tiny_checkpoint, base.folder / "model")
    evaluation = ON_CPU.model_copy(update={"reference": "base", "beta": 0.5})
    scores = {score.name: score for score in evaluation.measure(subject, desk.bench())}
    ON_CPU.measure(Subject("base", base.folder / "model", "base"), desk.bench())
    ours, theirs = (
        float(str(item["chosen"])) - float(str(item["rejected"]))
        for item in desk.notes("items.jsonl")
    )
    assert scores["preferences.held.reward_margin"].value == pytest.approx(0.5 * (ours - theirs))
    assert scores["preferences.held.reward"].value == float(ours > theirs)


def test_a_model_is_not_rewarded_against_one_that_it_was_not_trained_against(
    desk: "Desk", subject: Subject, tiny_checkpoint: Path
) -> None:
    """`tiny` is merged from an adapter that was trained against `base`, not against `other`."""
    desk.put("held", [pair("a", SHORT, LONG)], "preferences")
    for name in ("base", "other"):
        model = desk.put(name, [], "model")
        shutil.copytree(tiny_checkpoint, model.folder / "model")
    desk.put("dpo", [], "adapter", numbers={"reference": {"artifact": "base"}})
    desk.put("tiny", [], "model", inputs={"dpo": "dpo"})
    with pytest.raises(ConfigError, match="'tiny' was not trained against reference 'other'"):
        ON_CPU.model_copy(update={"reference": "other"}).measure(subject, desk.bench())
    scores = ON_CPU.model_copy(update={"reference": "base"}).measure(subject, desk.bench())
    assert any(score.name == "preferences.held.reward" for score in scores)


def test_a_reference_with_another_vocabulary_is_refused(
    desk: "Desk", subject: Subject, tiny_checkpoint: Path
) -> None:
    from transformers import AutoTokenizer

    desk.put("held", [pair("a", SHORT, LONG)], "preferences")
    other = desk.put("other", [], "model")
    shutil.copytree(tiny_checkpoint, other.folder / "model")
    tokenizer = AutoTokenizer.from_pretrained(str(tiny_checkpoint))
    tokenizer.add_tokens(["hello"])
    tokenizer.save_pretrained(str(other.folder / "model"))
    with pytest.raises(ConfigError, match="reference 'other' has another vocabulary"):
        ON_CPU.model_copy(update={"reference": "other"}).measure(subject, desk.bench())


def test_another_rendering_gives_other_likelihoods(desk: "Desk", subject: Subject) -> None:
    desk.put("held", [pair("a", SHORT, LONG)], "preferences")
    ON_CPU.measure(subject, desk.bench())
    ON_CPU.model_copy(update={"rendering": "raw"}).measure(subject, desk.bench())
    own, raw = desk.notes("items.jsonl")
    assert own["chosen"] != raw["chosen"]


def test_a_pair_with_an_answer_too_long_is_measured_by_its_beginning(
    desk: "Desk", subject: Subject
) -> None:
    desk.put("held", [pair("a", SHORT, LONG), pair("b", SHORT, "long " * 500)], "preferences")
    share = ON_CPU.measure(subject, desk.bench())[0]
    assert (share.n, share.missing) == (2, 0)
    whole, cut = desk.notes("items.jsonl")
    assert (whole["rejected_cut"], cut["chosen_cut"], cut["rejected_cut"]) == ([], [], ["answer"])


def test_a_pair_whose_answers_are_the_same_once_cut_is_missing(
    desk: "Desk", subject: Subject
) -> None:
    start = "long " * 500
    desk.put("held", [pair("a", f"{start}a", f"{start}b"), pair("b", SHORT, LONG)], "preferences")
    share = ON_CPU.measure(subject, desk.bench())[0]
    assert (share.n, share.missing) == (1, 1)
    assert desk.notes("items.jsonl")[0]["missing"] == "answers are the same tokens after cutting"


def test_without_a_readable_pair_there_is_no_share(desk: "Desk", subject: Subject) -> None:
    desk.put("held", [pair("a", "long " * 500, "long " * 501)], "preferences")
    share = ON_CPU.measure(subject, desk.bench())[0]
    assert (share.value, share.n, share.missing) == (None, 0, 1)


def test_examples_are_refused(desk: "Desk", subject: Subject, example: Example) -> None:
    desk.put("held", [example], "examples")
    with pytest.raises(ConfigError, match="holds examples"):
        ON_CPU.measure(subject, desk.bench())


def _reseeded(checkpoint: Path, folder: Path) -> None:
    """The checkpoint with other random weights."""
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaForCausalLM.from_pretrained(str(checkpoint)).config
    tokenizer = AutoTokenizer.from_pretrained(str(checkpoint))
    save_checkpoint(LlamaForCausalLM(config), tokenizer, folder)
