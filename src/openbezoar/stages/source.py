"""The source stage: rows from a data set, checked one by one."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import JsonValue

from openbezoar import jsonl
from openbezoar.component import OneOf
from openbezoar.errors import DataError
from openbezoar.families import Bench, ModelSpec, Numbers, Source, Stage
from openbezoar.records import Rejected, Row, Verdict

__all__ = ["SourceStage"]


class SourceStage(Stage):
    """Reads rows from outside the recipe."""

    kind: Literal["source"] = "source"
    source: Annotated[Source, OneOf("openbezoar.sources")]

    def reads(self) -> tuple[str, ...]:
        """Nothing of the recipe."""
        return ()

    def makes(self, kinds: Mapping[str, str]) -> str:
        """What the source holds."""
        return self.source.yields()

    def check_ready(self, specs: Mapping[str, ModelSpec]) -> None:
        """The source's files must be here and hold a row."""
        self.source.check_ready()

    def evidence(self) -> JsonValue:
        """The digest of the files the source reads."""
        return self.source.evidence()

    def make(self, bench: Bench) -> Numbers:
        """Write `rows.jsonl` and `rejected.jsonl`."""
        rows: list[Row] = []
        rejected: list[Rejected] = []
        for row in self.source.rows():
            if isinstance(row, Row):
                rows.append(row)
            else:
                reason, raw = row
                verdict = Verdict(filter=self.source_kind, keep=False, reason=reason)
                rejected.append(Rejected(verdict=verdict, row=raw))
        if not rows:
            reasons = Counter(item.verdict.reason for item in rejected).most_common(1)
            most = f": {len(rejected)} rejected, most for {reasons[0][0]!r}" if reasons else ""
            raise DataError(f"stage {bench.stage}: the source gave no usable row{most}")
        jsonl.write(bench.folder / "rows.jsonl", rows)
        jsonl.write(bench.folder / "rejected.jsonl", rejected)
        numbers: Numbers = {
            "read": len(rows) + len(rejected),
            "rows": len(rows),
            "rejected": dict(Counter(item.verdict.reason for item in rejected)),
            "licences": [*sorted({licence for row in rows for licence in row.licences})],
        }
        audit = self.source.audit()
        return numbers | {"audit": audit} if audit else numbers

    @property
    def source_kind(self) -> str:
        """The kind of the source, for verdicts."""
        return str(getattr(self.source, "kind", "source"))
