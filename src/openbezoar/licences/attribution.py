"""Who is to be named beside an artifact: a line for each source, wording and base model."""

from collections.abc import Iterable, Iterator

from openbezoar.licences.facts import licence_of
from openbezoar.licences.records import Origin

__all__ = ["attributions"]

CHANGED = "rows were chosen and brought into another form"


def attributions(origins: Iterable[Origin]) -> tuple[str, ...]:
    """A line for each that was put into the artifact, with its licence and where it comes from."""
    return tuple(dict.fromkeys(_lines(origins)))


def _lines(origins: Iterable[Origin]) -> Iterator[str]:
    for origin in origins:
        if origin.role in ("source", "wording", "base"):
            where = f" ({origin.address})" if origin.address else ""
            licence = f": {_licence(origin.licence)}" if origin.licence else ": licence unknown"
            changed = f"; {CHANGED}" if origin.role == "source" else ""
            yield f"{origin.what}{where}{licence}{changed}"


def _licence(text: str) -> str:
    """The licences with the page of each that is known."""
    names = text.split(", ")
    known = [(name, licence_of(name)) for name in names]
    return ", ".join(f"{name} ({found.source})" if found else name for name, found in known)
