"""The metadata of a card, in the hub library's own classes."""

from typing import TYPE_CHECKING, Any

from openbezoar import catalog
from openbezoar.cards.markdown import in_one_line
from openbezoar.cards.results import results
from openbezoar.cards.subject import Subject
from openbezoar.licences import LicenceVerdict
from openbezoar.licences.facts import licence_of

if TYPE_CHECKING:
    from huggingface_hub import CardData

__all__ = ["licence_metadata", "metadata"]

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
         (10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"))  # fmt: skip
"""The hub's words for the number of rows."""
HUGE = "100M<n<1B"


def metadata(subject: Subject) -> "CardData":
    """The front matter of the card."""
    from huggingface_hub import DatasetCardData, ModelCardData

    shared: dict[str, Any] = {
        **licence_metadata(subject.verdict, many=not subject.is_model),
        "openbezoar": {
            name: value
            for name, value in (
                ("recipe", in_one_line(subject.made.run.recipe)),
                ("stage", subject.made.name),
                ("recipe_sha256", subject.recipe_sha256),
                ("fingerprint", subject.made.fingerprint),
                ("version", subject.version),
            )
            if value
        },
    }
    if subject.is_model:
        return ModelCardData(**shared, **_of_model(subject))
    return DatasetCardData(**shared, **_of_rows(subject))


def licence_metadata(verdict: LicenceVerdict, many: bool) -> dict[str, Any]:
    """The hub's words for the licence; several stand in a list where the hub takes one."""
    if verdict.spdx is None:
        unresolved = {"license": "other", "license_name": "terms-in-this-card"}
        return unresolved if verdict.conflicts else {"license": "unknown"}
    names = verdict.spdx.split(" AND ")
    words = [found.hub for name in names if (found := licence_of(name)) and found.hub]
    if len(words) == len(names) and (many or len(words) == 1):
        return {"license": words if len(words) > 1 else words[0]}
    found = licence_of(names[0])
    link = {"license_link": found.source} if found and len(names) == 1 else {}
    name = verdict.spdx.lower().replace(" ", "-")
    return {"license": "other", "license_name": name, **link}


def _of_rows(subject: Subject) -> dict[str, Any]:
    rows = _count(subject)
    return {
        "pretty_name": subject.title,
        "size_categories": next((word for most, word in SIZES if rows < most), HUGE),
        "task_categories": ["text-generation"],
        "source_datasets": _data_sets(subject) or None,
        "tags": _tags(subject),
    }


def _count(subject: Subject) -> int:
    numbers: Any = subject.made.artifact.numbers
    is_set = subject.made.kind == "mix"
    return int(numbers["train"] + numbers["valid"] if is_set else numbers["rows"])


def _of_model(subject: Subject) -> dict[str, Any]:
    relation = "adapter" if subject.is_adapter else "finetune"
    measured = list(results(subject))
    return {
        "base_model": subject.base,
        "base_model_relation": relation if subject.base else None,
        "library_name": "peft" if subject.is_adapter else "transformers",
        "pipeline_tag": "text-generation",
        "datasets": _data_sets(subject) or None,
        "tags": _tags(subject),
        **({"model_name": subject.title, "eval_results": measured} if measured else {}),
    }


def _data_sets(subject: Subject) -> list[str]:
    """The sources that the hub holds."""
    known = {
        found.repository
        for name in catalog.set_names()
        if (found := catalog.published(name)).on_hub
    }
    return sorted({one.what for one in subject.verdict.origins if one.what in known})


def _tags(subject: Subject) -> list[str]:
    objectives = [subject.setting(made, "objective", "kind") for made in subject.of_kind("train")]
    schemes = [subject.setting(made, "scheme", "kind") for made in subject.of_kind("generate")]
    words = [str(word).replace("_", "-") for word in (*objectives, *schemes) if word]
    synthetic = ["synthetic"] if schemes and not subject.is_model else []
    return list(dict.fromkeys(["openbezoar", *synthetic, *words]))
