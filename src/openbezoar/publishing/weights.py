"""The files of a merged model, or of an adapter whose configuration names its base."""

import json
from pathlib import Path

from openbezoar import hub
from openbezoar.errors import PublishError
from openbezoar.publishing.layout import ADAPTER, MODEL, File, made_files
from openbezoar.publishing.upstream import base_on_the_hub
from openbezoar.store import Artifact, Store

__all__ = ["adapter_files", "base_of", "model_files"]

CONFIG = "adapter_config.json"


def model_files(artifact: Artifact) -> list[File]:
    """The files of a merged model, where they lie."""
    return made_files(artifact, MODEL)


def base_of(store: Store, artifact: Artifact, wanted: str) -> str:
    """What the hub calls the weights of an adapter: as wanted, or the checkpoint it was made on."""
    if wanted and hub.split_name(wanted) is None:
        raise PublishError(f"--base {wanted}: is no name on the hub; write OWNER/NAME")
    named = wanted or base_on_the_hub(store, artifact)
    if named is None:
        raise PublishError(
            f"{artifact.folder}: the weights that this adapter was trained on have no name on the "
            "hub; publish them first, and name them with --base OWNER/NAME"
        )
    return named


def adapter_files(artifact: Artifact, out: Path, base: str) -> list[File]:
    """The files of an adapter, with a configuration below `out` that names its base."""
    found = made_files(artifact, ADAPTER)
    name, _, revision = base.partition("@")
    config = json.loads((artifact.folder / ADAPTER.folder / CONFIG).read_text(encoding="utf-8"))
    config |= {"base_model_name_or_path": name, "revision": revision or None}
    path = out / CONFIG
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return [File(CONFIG, path) if file.name == CONFIG else file for file in found]
