"""The model an evaluate stage measures, with the tokenizer and template it is asked through."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from openbezoar.errors import DataError
from openbezoar.families import Bench, Numbers, Subject

if TYPE_CHECKING:
    from openbezoar.training.format import Format

__all__ = ["find_subject"]

WEIGHTS = ("config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json")
OPENBEZOAR = "OpenBezoar, as the checkpoint has none"


def find_subject(name: str, bench: Bench) -> tuple[Subject, Numbers]:
    """The checkpoint or merged model of this name, and what the manifest says of its format.

    DataError when a model's tokenizer or template is not the one it was trained with. A checkpoint
    without a chat template is asked in the OpenBezoar format.
    """
    from openbezoar.training.checks import format_faults, refuse
    from openbezoar.training.format import Format

    if name not in bench.specs:
        artifact = bench.inputs[name]
        folder = artifact.folder / "model"
        if altered := artifact.altered("model"):
            raise DataError(
                f"{artifact.folder / altered[0]}: is not as it was when the model was trained with "
                "it; put it back, or remove the artifact and run again"
            )
        format_ = Format.load(folder)
        refuse([*format_faults(format_, artifact.numbers.get("format"), str(folder))])
        subject = Subject(name, folder, artifact.manifest.fingerprint)
        return subject, {"format": format_.fingerprint}
    spec = bench.specs[name]
    folder = spec.folder()
    format_ = Format.load(folder)
    print_ = json.dumps([spec.label, spec.evidence()])
    if format_.tokenizer.chat_template:
        return Subject(name, folder, print_), {"format": format_.fingerprint}
    bench.say(f"{name} has no chat template; it is asked in the OpenBezoar format")
    dressed = Format.for_training(folder)
    place = _with_tokenizer(folder, dressed, bench.scratch / "subject")
    subject = Subject(name, place, f"{print_} {dressed.fingerprint}")
    return subject, {"format": dressed.fingerprint, "template": OPENBEZOAR}


def _with_tokenizer(folder: Path, format_: "Format", place: Path) -> Path:
    """A folder of links to the weights, beside a tokenizer of its own."""
    shutil.rmtree(place, ignore_errors=True)
    format_.tokenizer.save_pretrained(str(place))
    for pattern in WEIGHTS:
        for file in folder.glob(pattern):
            (place / file.name).symlink_to(file.resolve())
    return place
