"""Finds the model a person names, and holds what was said to it."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from openbezoar import hub, shelf
from openbezoar.component import nearest
from openbezoar.errors import ConfigError
from openbezoar.families import ModelSpec, Request, Sampling
from openbezoar.models.llama_cpp import LlamaCpp, Slots
from openbezoar.models.transformers import Transformers
from openbezoar.records import PARTIAL, Message
from openbezoar.store import Artifact, Store

__all__ = ["Chat", "Partner", "find"]


class Partner(NamedTuple):
    """The model that answers, and the name under which a conversation with it is saved."""

    spec: ModelSpec
    name: str
    """Of a model of the store its stage and fingerprint."""


@dataclass
class Chat:
    """A conversation as far as it has come."""

    sampling: Sampling
    system: str = ""
    turns: list[Message] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    """Why each answer ended."""

    @property
    def finish_reason(self) -> str:
        """Why the answers ended: that of the first that is not whole, else of the last."""
        return next((end for end in self.ends if end in PARTIAL), self.ends[-1])

    def begin(self, system: str) -> None:
        """Forget what was said, and begin under this system message."""
        self.system = system
        self.turns.clear()
        self.ends.clear()

    def request(self, said: str) -> Request:
        """What the model is asked next; other turns are drawn with other seeds."""
        opening = [Message(role="system", content=self.system)] if self.system else []
        asked = Message(role="user", content=said)
        messages = (*opening, *self.turns, asked)
        return Request(messages=messages, sampling=self.sampling, seed=len(self.turns))

    def add(self, said: str, answer: str, finish_reason: str) -> None:
        """Remember an exchange; half a letter, which JSON can hold and no file, as `?`."""
        whole = answer.encode(errors="replace").decode()
        self.turns.append(Message(role="user", content=said))
        self.turns.append(Message(role="assistant", content=whole))
        self.ends.append(finish_reason)

    def save(self, path: Path, model: str) -> None:
        """Add the conversation to a file, as a line that the source `jsonl` reads as an example.

        That source rejects one with an answer that is not whole.
        """
        opening = [Message(role="system", content=self.system)] if self.system else []
        messages = [message.model_dump() for message in (*opening, *self.turns)]
        row = {"messages": messages, "model": model, "finish_reason": self.finish_reason}
        line = json.dumps(row, ensure_ascii=False)
        with path.expanduser().open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def find(name: str, store: Store, named: Mapping[str, ModelSpec], force: bool) -> Partner:
    """The model: of the recipe, of the store, of a folder or file, or of the hub, in this order.

    A model of the store whose template or tokenizer is not the one it was trained with is refused.
    """
    if name in named:
        return _outside(named[name])
    artifacts = store.artifacts()
    stages = {artifact.manifest.stage for artifact in artifacts}
    path = Path(name).expanduser()
    if name in stages:
        return _of_store(shelf.latest(store, name), force)
    if path.is_dir():
        held = [one for one in Store(path.parent.parent).artifacts() if one.folder == path.parent]
        return _of_store(held[0], force) if held else _outside(Transformers(checkpoint=name))
    if path.suffix == ".gguf" or (name == hub.EMBEDDED and _has_llama()):
        return _outside(LlamaCpp(model=name, runtime=Slots(slots=1)))
    if name == hub.EMBEDDED or (hub.split_name(name) and not path.exists()):
        return _outside(Transformers(checkpoint=name))
    models = {one.manifest.stage for one in artifacts if one.manifest.makes == "model"}
    known = [*named, *models, hub.EMBEDDED]
    raise ConfigError(
        f"{name}: no model of this name{nearest(name, known)}; name a merge stage of {store.root}, "
        "a model of --recipe, a folder, a .gguf file, or owner/name on the hub"
    )


def _outside(spec: ModelSpec) -> Partner:
    return Partner(spec, spec.label)


def _of_store(artifact: Artifact, force: bool) -> Partner:
    manifest = artifact.manifest
    if manifest.makes != "model":
        raise ConfigError(
            f"stage {manifest.stage!r} holds {manifest.makes}; name a merge stage, "
            "which holds a model"
        )
    altered = artifact.altered("model")
    if altered and not force:
        raise ConfigError(
            f"{artifact.folder / altered[0]}: is not as it was when the model was trained with it, "
            "so the model may not know what it reads; put it back, or say --force"
        )
    return Partner(Transformers(checkpoint=str(artifact.folder / "model")), artifact.folder.name)


def _has_llama() -> bool:
    return importlib.util.find_spec("xllamacpp") is not None
