"""Finds the model a person names, and holds what was said to it."""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openbezoar import hub, shelf
from openbezoar.component import nearest
from openbezoar.errors import ConfigError
from openbezoar.families import ModelSpec, Request, Sampling
from openbezoar.models.llama_cpp import LlamaCpp, Slots
from openbezoar.models.transformers import Transformers
from openbezoar.records import Message
from openbezoar.store import Artifact, Store

__all__ = ["Chat", "chat_of", "find"]

LONGEST = 512
"""Tokens of one answer."""


@dataclass
class Chat:
    """A conversation as far as it has come."""

    sampling: Sampling
    system: str = ""
    turns: list[Message] = field(default_factory=list)

    def request(self, said: str) -> Request:
        """What the model is asked next; other turns are drawn with other seeds."""
        opening = [Message(role="system", content=self.system)] if self.system else []
        asked = Message(role="user", content=said)
        messages = (*opening, *self.turns, asked)
        return Request(messages=messages, sampling=self.sampling, seed=len(self.turns))

    def add(self, said: str, answer: str) -> None:
        """Remember an exchange; half a letter, which JSON can hold and no file, as `?`."""
        whole = answer.encode(errors="replace").decode()
        self.turns.append(Message(role="user", content=said))
        self.turns.append(Message(role="assistant", content=whole))

    def save(self, path: Path, model: str) -> None:
        """Add the conversation to a file, as a line that the source `jsonl` reads as an example."""
        opening = [Message(role="system", content=self.system)] if self.system else []
        messages = [message.model_dump() for message in (*opening, *self.turns)]
        line = json.dumps({"messages": messages, "model": model}, ensure_ascii=False)
        with path.expanduser().open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def chat_of(system: str, temperature: float) -> Chat:
    """A conversation that has yet to begin."""
    return Chat(Sampling(temperature=temperature, max_tokens=LONGEST), system)


def find(name: str, store: Store, named: Mapping[str, ModelSpec], force: bool) -> ModelSpec:
    """The model: of the recipe, of the store, of a folder or file, or of the hub, in this order.

    A model of the store whose template or tokenizer is not the one it was trained with is refused.
    """
    if name in named:
        return named[name]
    stages = {artifact.manifest.stage for artifact in store.artifacts()}
    path = Path(name).expanduser()
    if name in stages:
        return _of_store(shelf.latest(store, name), force)
    if path.is_dir():
        held = [one for one in Store(path.parent.parent).artifacts() if one.folder == path.parent]
        return _of_store(held[0], force) if held else Transformers(checkpoint=name)
    if path.suffix == ".gguf" or (name == hub.EMBEDDED and _has_llama()):
        return LlamaCpp(model=name, runtime=Slots(slots=1))
    if name == hub.EMBEDDED or "/" in name:
        return Transformers(checkpoint=name)
    known = [*named, *stages, hub.EMBEDDED]
    raise ConfigError(
        f"{name}: no model of this name{nearest(name, known)}; name a merge stage of {store.root}, "
        "a model of --recipe, a folder, a .gguf file, or owner/name on the hub"
    )


def _of_store(artifact: Artifact, force: bool) -> ModelSpec:
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
    return Transformers(checkpoint=str(artifact.folder / "model"))


def _has_llama() -> bool:
    return importlib.util.find_spec("xllamacpp") is not None
