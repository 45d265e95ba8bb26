"""Looks over what would be published for secrets and traces of people, and tells where they are."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from openbezoar.publishing.patterns import Match, matches, names_a_secret

__all__ = ["Findings", "own_secrets"]

SHOWN = 3
"""How many places of each kind are told."""
LEAST_SECRET = 12
"""Shorter values of variables are words that stand anywhere."""


def own_secrets(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """What must not get out of this machine, whatever it looks like, by what it is."""
    held = {
        f"value of {name}": value.strip()
        for name, value in environment.items()
        if names_a_secret(name) and len(value.strip()) >= LEAST_SECRET
    }
    # The home of root is a word of many a shell command, and says nothing of anyone.
    return held | ({"home folder": str(home)} if len(home.parts) > 2 else {})


class Findings:
    """What was found so far: how often each kind, and the first places of each, values masked."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._own = dict(own or {})
        self._places: defaultdict[str, list[str]] = defaultdict(list)

    @classmethod
    def of_this_process(cls) -> "Findings":
        """Nothing found yet, and the keys of this process to be looked for."""
        return cls(own_secrets(os.environ, Path.home()))

    def read(self, place: str, held: Any) -> None:
        """Look over a text, or every text within a row; the same value in one place counts once."""
        seen: set[Match] = set()
        for field, text in _texts(held):
            for match in (*self._own_in(text), *matches(text)):
                if match not in seen:
                    seen.add(match)
                    self._note(match, f"{place}, {field}" if field else place)

    def as_rows(self) -> list[dict[str, Any]]:
        """One line per kind, most first."""
        return [
            {"found": kind, "times": times, "places": "; ".join(self._places[kind])}
            for kind, times in self.counts.most_common()
        ]

    def told(self) -> str:
        """All of it in one line."""
        return "; ".join(
            f"{row['times']} x {row['found']} ({row['places']})" for row in self.as_rows()
        )

    def _own_in(self, text: str) -> Iterator[Match]:
        if self._own_pattern is not None and self._own_pattern.search(text):
            yield from (Match(name, value) for name, value in self._own.items() if value in text)

    @cached_property
    def _own_pattern(self) -> re.Pattern[str] | None:
        return re.compile("|".join(map(re.escape, self._own.values()))) if self._own else None

    def _note(self, match: Match, place: str) -> None:
        self.counts[match.kind] += 1
        places = self._places[match.kind]
        if len(places) < SHOWN:
            shown = "" if match.kind in self._own else f": {match.masked}"
            places.append(f"{place}{shown}")
        elif len(places) == SHOWN:
            places.append("and others")


def _texts(held: Any, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(held, str):
        yield field, held
    elif isinstance(held, Mapping):
        for name, value in held.items():
            yield from _texts(value, f"{field}.{name}" if field else str(name))
    elif isinstance(held, list | tuple):
        for place, value in enumerate(held):
            yield from _texts(value, f"{field}.{place}")
