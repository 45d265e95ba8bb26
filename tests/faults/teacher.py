"""A teacher whose faults depend on the request and on how often it was asked, on nothing else."""

import random
from collections import Counter
from typing import Any

from tests.faults.server import Reply, completion

__all__ = ["FOR_GOOD", "PASSING", "FaultyTeacher"]

PASSING = {
    "busy": Reply(b'{"error": {"message": "slow down"}}', 429),
    "busy for a moment": Reply(b"{}", 429, ("Retry-After: 0.2",)),
    "overloaded": Reply(b"overloaded", 503),
    "failing": Reply(b"<html>oh</html>", 500),
    "reset": Reply(ends="unsaid"),
    "broken off": Reply(completion("half an answer"), ends="half"),
    "hanging": Reply(delay=3600.0),
    "truncated": Reply(completion("a whole answer")[:-20]),
    "garbled": Reply(completion("na\u00efvet\u00e9").decode().encode("utf-16")),
}
"""What another try mends."""
FOR_GOOD = {
    "empty": Reply(completion("")),
    "cut": Reply(completion("an answer that en", "length")),
    "withheld": Reply(completion("", "content_filter")),
    "refused": Reply(b'{"error": {"message": "not this one"}}', 400),
    "sorry": Reply(completion("I'm sorry, but I can't help with that.")),
}
"""What a request gets whenever it is asked."""


class FaultyTeacher:
    """Answers by the question alone, after some faults drawn for the question and the try."""

    def __init__(self, share: float = 0.15, most: int = 3, canary: str = "") -> None:
        self.faults: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self._share = share
        self._most = most
        self._canary = canary

    def __call__(self, body: dict[str, Any]) -> Reply:
        """The reply to a request of the chat protocol."""
        question = body["messages"][-1]["content"]
        attempt = self.asked[question]
        self.asked[question] += 1
        chance = random.Random(f"{question} {attempt}")
        if attempt < self._most and chance.random() < self._share:
            return self._noted(chance.choice(sorted(PASSING)))
        lasting = random.Random(question)
        if lasting.random() < 0.1:
            return self._noted(lasting.choice(sorted(FOR_GOOD)))
        return Reply(completion(f"The answer to {question} is {lasting.randrange(10**6)}."))

    def _noted(self, fault: str) -> Reply:
        self.faults[fault] += 1
        reply = PASSING.get(fault) or FOR_GOOD[fault]
        if reply.status == 200 or not self._canary:
            return reply
        said = f'{{"error": {{"message": "your key {self._canary} is odd"}}}}'
        return Reply(said.encode(), reply.status, reply.headers)
