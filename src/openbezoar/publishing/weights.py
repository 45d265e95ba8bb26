"""The files of a merged model, or of an adapter whose configuration names its base."""

import json
from pathlib import Path

from openbezoar.errors import PublishError
from openbezoar.publishing.layout import ADAPTER, MODEL, File, made_files
from openbezoar.publishing.upstream import base_on_the_hub
from openbezoar.store import Artifact, Store

__all__ = ["adapter_files", "model_files"]

CONFIG = "adapter_config.json"


def model_files(artifact: Artifact) -> list[File]:
    """The files of a merged model, where they lie."""
    return made_files(artifact, MODEL)


def adapter_files(store: Store, artifact: Artifact, out: Path, base: str) -> list[File]:
    """The files of an adapter, with a configuration below `out` that names `base`.

    Without `base` it is the checkpoint that the adapter was trained on, where the hub has that.
    """
    found = made_files(artifact, ADAPTER)
    named = base or base_on_the_hub(store, artifact)
    if named is None:
        raise PublishError(
            f"{artifact.folder}: the weights that this adapter was trained on have no name on the "
            "hub; publish them first, and name them with --base OWNER/NAME"
        )
    name, _, revision = named.partition("@")
    config = json.loads((artifact.folder / ADAPTER.folder / CONFIG).read_text(encoding="utf-8"))
    config |= {"base_model_name_or_path": name, "revision": revision or None}
    path = out / CONFIG
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return [File(CONFIG, path) if file.name == CONFIG else file for file in found]
