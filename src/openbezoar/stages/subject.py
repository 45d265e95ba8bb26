"""The model an evaluate stage measures, with the tokenizer and template it is asked through."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from openbezoar.errors import DataError
from openbezoar.families import Bench, Numbers, Subject

if TYPE_CHECKING:
    from openbezoar.training.format import Format

__all__ = ["find_subject", "has_template"]

WEIGHTS = ("config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json")
OPENBEZOAR = "OpenBezoar, as the checkpoint has none"
FORCED = "not in the format it was trained in"


def find_subject(name: str, bench: Bench, force: bool = False) -> tuple[Subject, Numbers]:
    """The checkpoint or merged model of this name, and what the manifest says of its format.

    DataError when a model's tokenizer or template is not the one it was trained with, unless forced
    to take it. A checkpoint without a chat template is asked in the OpenBezoar format.
    """
    from openbezoar.training.format import Format

    if name not in bench.specs:
        return _of_store(name, bench, force)
    spec = bench.specs[name]
    folder = spec.folder()
    format_ = Format.load(folder)
    print_ = json.dumps([spec.label, spec.evidence()])
    if format_.tokenizer.chat_template:
        return Subject(name, folder, print_), {"format": format_.fingerprint}
    bench.say(f"{name} has no chat template; it is asked in the OpenBezoar format")
    dressed = Format.for_training(folder)
    place = _with_tokenizer(folder, dressed, bench.scratch / "subject")
    subject = Subject(name, place, f"{print_} {dressed.fingerprint}", lent_template=True)
    return subject, {"format": dressed.fingerprint, "template": OPENBEZOAR}


def has_template(folder: Path) -> bool:
    """Whether a checkpoint carries a chat template, told by its files alone."""
    if (folder / "chat_template.jinja").is_file():
        return True
    path = folder / "tokenizer_config.json"
    try:
        return path.is_file() and bool(json.loads(path.read_bytes()).get("chat_template"))
    except (ValueError, AttributeError):
        raise DataError(f"{path}: no JSON object; put the tokenizer's own file back") from None


def _of_store(name: str, bench: Bench, force: bool) -> tuple[Subject, Numbers]:
    from openbezoar.training.checks import format_faults
    from openbezoar.training.format import Format

    artifact = bench.inputs[name]
    folder = artifact.folder / "model"
    faults = [
        f"{artifact.folder / file}: is not as it was when the model was trained with it; put it "
        "back, or remove the artifact and run again"
        for file in artifact.altered("model")
    ]
    if faults and not force:
        raise DataError(faults[0] + _way_on(bench))
    format_ = Format.load(folder)
    faults += map(str, format_faults(format_, artifact.numbers.get("format"), str(folder)))
    if faults and not force:
        raise DataError(faults[0] + _way_on(bench))
    print_ = artifact.manifest.fingerprint
    numbers: Numbers = {"format": format_.fingerprint}
    if faults:
        bench.say(f"forced: {faults[0]}")
        print_, numbers["forced"] = f"{print_} {format_.fingerprint}", FORCED
    return Subject(name, folder, print_), numbers


def _way_on(bench: Bench) -> str:
    return f"; to measure it all the same: -s stages.{bench.stage}.force=true"


def _with_tokenizer(folder: Path, format_: "Format", place: Path) -> Path:
    """A folder of links to the weights, beside a tokenizer of its own."""
    shutil.rmtree(place, ignore_errors=True)
    format_.tokenizer.save_pretrained(str(place))
    for pattern in WEIGHTS:
        for file in folder.glob(pattern):
            (place / file.name).symlink_to(file.resolve())
    return place
