"""Who states which licence: the recipe, the catalog, or the card that lies beside a checkpoint."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from openbezoar import catalog, hub
from openbezoar.component import ASIDE
from openbezoar.licences.facts import provider_of
from openbezoar.licences.lineage import Use, settings_of
from openbezoar.licences.records import Origin
from openbezoar.models.keys import is_loopback
from openbezoar.store import Artifact, Store

__all__ = ["stated"]

SETS = {"dolly": "dolly", "flan": "flan", "hh_rlhf": "hh-rlhf"}
"""The catalog's name of what a kind of source reads."""
SERVERS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
"""The kinds of model that somebody else may serve, and where unless the recipe says otherwise."""
WORDS = {
    "orca": ("Orca's system messages", ""),
    "lamini": ("Wikipedia's category names", "CC-BY-SA-4.0"),
}
"""The words of others that a scheme puts into its rows, and their licence."""


def stated(store: Store, use: Use) -> Origin:
    """What a stage put into the artifact, or a model it asked, with what is stated of it."""
    match use.role:
        case "source":
            found = _source(use.artifact)
        case "wording":
            what, licence = WORDS[settings_of(use.artifact)["scheme"]["kind"]]
            found = {"what": what, "licence": licence}
        case _:
            found = _model(store, use)
    return Origin.model_validate({"role": use.role, "name": use.name, "rows": use.rows, **found})


def _source(artifact: Artifact) -> dict[str, str]:
    """What a source stage read, with the licences that its rows bear."""
    source, numbers = settings_of(artifact)["source"], artifact.numbers
    licences: Any = numbers.get("licences", [])
    kind = source["kind"]
    if kind in SETS and not source.get("folder"):
        known = catalog.published(SETS[kind])
        found, by = {"what": known.repository, "address": known.address}, "the catalog"
    elif kind == "sample":
        found, by = {"what": "rows shipped with openbezoar"}, "the rows"
    else:
        found = {"what": Path(source.get("path") or source.get("folder") or kind).name}
        by = "the recipe"
    return found | ({"licence": ", ".join(licences), "stated_by": by} if licences else {})


def _model(store: Store, use: Use) -> dict[str, str]:
    """What is stated of a model: by the recipe, else by the catalog, else by its own card."""
    spec = _spec(use)
    what = str(spec.get("checkpoint") or spec.get("model") or spec["kind"])
    declared = _declared(store, use.name, spec)
    found = _published(spec["kind"], what)
    if spec["kind"] in SERVERS:
        terms = _terms("" if declared else what, _address(store, use, spec["kind"]))
        found |= {} if declared and "stranger" in terms else terms
    if declared:
        return {**found, "licence": declared, "stated_by": "the recipe"}
    if what in catalog.MODELS:
        return {**found, "licence": catalog.MODELS[what].licence, "stated_by": "the catalog"}
    carded = _carded(what)
    return {**found, "licence": carded, "stated_by": "its own card"} if carded else found


def _terms(model: str, address: str) -> dict[str, str]:
    """Who sells the answers of a server's model; nobody where it runs on this machine."""
    provider = provider_of(model, address)
    if provider is not None:
        return {"provider": provider.name}
    if is_loopback(address):
        return {}
    return {"stranger": urlsplit(address).hostname or address or "an address that was not kept"}


def _published(kind: str, what: str) -> dict[str, str]:
    """A model's name, without the folders of this machine before it, and its page on the hub."""
    name = None if kind in SERVERS else hub.public_name(what)
    if name is not None:
        return {"what": name, "address": f"https://huggingface.co/{name}"}
    path = Path(what).expanduser()
    return {"what": path.name if path.is_absolute() or path.exists() else what}


def _spec(use: Use) -> Mapping[str, Any]:
    science: Any = use.artifact.manifest.science
    spec: Mapping[str, Any] = science["models"][use.name][0]
    return spec


def _declared(store: Store, name: str, spec: Mapping[str, Any]) -> str:
    """The licence in the recipe run last, of those that give this name to this very model."""
    for text in store.recipes().values():
        model = _models(text).get(name, {})
        if model.get("licence") and _fits(model, spec):
            return str(model["licence"])
    return ""


def _models(recipe: str) -> Mapping[str, Any]:
    """The models of a recipe that was kept; none where it has none, or is no recipe any more."""
    try:
        content = yaml.safe_load(recipe)
    except yaml.YAMLError:
        return {}
    models = content.get("models") if isinstance(content, dict) else None
    return models if isinstance(models, dict) else {}


def _fits(given: Any, whole: Any) -> bool:
    """Whether all that a recipe sets of a model is so in the model's settings."""
    if isinstance(given, dict) and isinstance(whole, dict):
        return all(
            _fits(value, whole.get(name)) for name, value in given.items() if name not in ASIDE
        )
    if isinstance(given, list) and isinstance(whole, list):
        return len(given) == len(whole) and all(map(_fits, given, whole))
    return bool(given == whole)


def _address(store: Store, use: Use, kind: str) -> str:
    """Where a server's model was asked; empty where the recipe that says so was not kept."""
    text = store.recipes().get(str(use.artifact.manifest.run.get("recipe_sha256")), "")
    model = _models(text).get(use.name)
    if model is None:
        return ""
    return str(model.get("runtime", {}).get("base_url", SERVERS[kind]))


def _carded(what: str) -> str:
    """The licence in the front matter of a checkpoint's card, or in its configuration."""
    card = _file_of(what, "README.md")
    stated = hub.front_matter(card).get("license") if card else None
    stated = stated or _configuration(what).get("license")
    return " AND ".join(map(str, stated)) if isinstance(stated, list) else str(stated or "")


def _configuration(what: str) -> Mapping[str, Any]:
    config = _file_of(what, "config.json")
    try:
        content = json.loads(config.read_text(encoding="utf-8")) if config else {}
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _file_of(what: str, name: str) -> Path | None:
    """A file of a checkpoint that is on this machine: in its folder, or among what was fetched."""
    folder = Path(what).expanduser()
    if folder.is_dir():
        return folder / name if (folder / name).is_file() else None
    if folder.suffix == ".gguf" or what.count("/") != 1:
        return None
    from huggingface_hub import try_to_load_from_cache

    repository, _, revision = what.partition("@")
    found = try_to_load_from_cache(repository, name, revision=revision or None)
    return Path(found) if isinstance(found, str) else None
