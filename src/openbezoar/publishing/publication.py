"""An artifact made ready to leave: its files, its card, and all that speaks against it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from openbezoar import cards, licences
from openbezoar.cards.markdown import code, plain
from openbezoar.errors import PublishError
from openbezoar.licences import LicenceVerdict
from openbezoar.publishing.findings import Findings
from openbezoar.publishing.gguf import Type, convert, converter
from openbezoar.publishing.layout import CARD, MODEL, File
from openbezoar.publishing.parquet import SUFFIX, column_names
from openbezoar.publishing.patterns import KINDS
from openbezoar.publishing.repository import Kind
from openbezoar.publishing.rows import row_files
from openbezoar.publishing.scratch import scratch, sweep
from openbezoar.publishing.weights import adapter_files, base_of, model_files
from openbezoar.store import Artifact, Store

__all__ = ["Publication", "Wishes", "kind_of", "prepared"]

SCRATCH = "publishing"
"""The folder of the store in which publications are made, each in one of its own."""


class Wishes(NamedTuple):
    """What a person asks for beside the artifact itself."""

    accept_licence: str = ""
    """Why it may go out although its licence is in doubt."""
    accept_findings: str = ""
    """Why it may go out although strings in it look secret or personal."""
    base: str = ""
    """The model that an adapter was trained on, as the hub names it."""
    gguf: Type | None = None
    """The weights of a GGUF file beside the others."""


@dataclass(frozen=True)
class Publication:
    """What would leave, and whether it may."""

    artifact: Artifact
    folder: Path
    """Where what was made for it lies."""
    files: tuple[File, ...]
    verdict: LicenceVerdict
    findings: Findings
    refusals: tuple[str, ...]
    """Why it may not leave, each with what would change that."""

    @property
    def message(self) -> str:
        """What stands beside it in the history of a repository."""
        manifest = self.artifact.manifest
        return f"Publish {manifest.stage} ({manifest.fingerprint[:12]})"

    def with_gguf(self, type_: Type) -> "Publication":
        """The same with the weights as a GGUF file too."""
        name = f"{self.artifact.manifest.stage}-{type_}.gguf"
        model = self.artifact.folder / MODEL.folder
        path = convert(converter(), model, self.folder / name, type_)
        return replace(self, files=(*self.files, File(name, path)))

    def as_json(self) -> dict[str, Any]:
        """What speaks for and against it."""
        return {
            "licence": {"spdx": self.verdict.spdx, "reasons": self.verdict.reasons},
            "found": self.findings.as_rows(),
            "refused": self.refusals,
        }

    def check(self) -> None:
        """Raise PublishError when it may not leave."""
        if self.refusals:
            stage = self.artifact.manifest.stage
            raise PublishError(f"{stage} is not published: {'; and '.join(self.refusals)}")


def kind_of(artifact: Artifact) -> Kind:
    """The kind of repository it belongs into; PublishError when it belongs in none."""
    makes = artifact.manifest.makes
    if makes in ("model", "adapter"):
        return "model"
    if makes == "scores":
        raise PublishError(
            f"{artifact.folder}: holds scores, which stand in the card of their model; "
            "publish rows, a data set, an adapter or a model"
        )
    return "dataset"


@contextmanager
def prepared(store: Store, artifact: Artifact, wishes: Wishes) -> Iterator[Publication]:
    """Make what is to leave, for as long as the context lasts; nothing leaves yet."""
    _check_wishes(artifact, wishes)
    verdict = licences.verdict(store, artifact)
    findings = Findings.of_this_process()
    base = base_of(store, artifact, wishes.base) if artifact.manifest.makes == "adapter" else ""
    # In the store, since there is room for what is as large as the artifact itself.
    made = store.root / SCRATCH
    sweep(made)
    with scratch(made / artifact.folder.name) as out:
        files = _files(store, artifact, out, base, findings)
        told = cards.Told(accepted=wishes.accept_licence, base=base)
        card = cards.card(store, artifact, verdict, told)
        findings.read(CARD, card)
        for file in files:
            if file.is_read:
                findings.read(file.name, file.path.read_text(encoding="utf-8", errors="replace"))
        refusals = (*_against_licence(verdict, wishes), *_against_findings(findings, wishes))
        path = out / CARD
        path.write_text(card + _columns(files) + _looked_over(findings, wishes), encoding="utf-8")
        published = (File(CARD, path), *files)
        yield Publication(artifact, out, published, verdict, findings, refusals)


def _check_wishes(artifact: Artifact, wishes: Wishes) -> None:
    makes = artifact.manifest.makes
    if wishes.gguf and makes != "model":
        raise PublishError(f"--gguf: {artifact.manifest.stage} holds {makes}; only models have it")
    if wishes.gguf:
        converter()
    if wishes.base and makes != "adapter":
        raise PublishError(f"--base: {artifact.manifest.stage} holds {makes}, and no adapter")


def _files(
    store: Store, artifact: Artifact, out: Path, base: str, findings: Findings
) -> list[File]:
    if artifact.manifest.makes == "model":
        return model_files(artifact)
    if artifact.manifest.makes == "adapter":
        return adapter_files(artifact, out, base)
    return row_files(store, artifact, out, findings)


def _against_licence(verdict: LicenceVerdict, wishes: Wishes) -> Iterator[str]:
    if not verdict.publishable and not wishes.accept_licence:
        doubts = [*verdict.conflicts, *verdict.unknown]
        yield (
            f"its licence is in doubt ({'; '.join(doubts)}); mend that, or say with "
            "--accept-licence REASON why it may go out"
        )


def _against_findings(findings: Findings, wishes: Wishes) -> Iterator[str]:
    if findings.counts and not wishes.accept_findings:
        yield (
            f"it holds what looks secret or personal ({findings.told()}); take it out, or say "
            "with --accept-findings REASON why it may go out"
        )


def _columns(files: Sequence[File]) -> str:
    """The section of the card that says what the files of rows hold."""
    tables = [file for file in files if file.path.suffix == SUFFIX]
    if not tables:
        return ""
    names = ", ".join(map(code, column_names(tables[0].path)))
    return (
        f"\n## Columns\n\nThe Parquet files hold {names}. `details` and `verdicts`, where they "
        "are, hold JSON: what has no column of its own, and what the filters said of the row.\n"
    )


def _looked_over(findings: Findings, wishes: Wishes) -> str:
    """The section of the card that says what was looked for, and what was found and accepted."""
    kinds = ", ".join(sorted(KINDS))
    sought = f"Looked for before publishing, in all text but vocabularies: {kinds}."
    counts = [f"- {times} x {kind}" for kind, times in findings.counts.most_common()]
    if not counts:
        return f"\n## Secrets and personal data\n\n{sought} Nothing was found.\n"
    told = "\n".join(counts)
    reason = plain(wishes.accept_findings)
    accepted = f"\n\nPublished all the same, because: {reason}\n" if reason else "\n"
    return f"\n## Secrets and personal data\n\n{sought} Found:\n\n{told}{accepted}"
