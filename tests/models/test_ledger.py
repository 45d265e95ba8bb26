"""The ledger of batches and answers on disk."""

from contextlib import closing
from pathlib import Path

import pytest

from openbezoar.errors import ParseError, StoreError
from openbezoar.models.ledger import Answer, Ledger, Sent
from openbezoar.records import Completion

SENT = Sent("token", None, 12.5, 2)
COMPLETION = Completion(text="blue", finish_reason="stop", tokens_in=7, tokens_out=3, model="m")


def noted(path: Path) -> None:
    with closing(Ledger(path, "here")) as ledger:
        ledger.note(SENT, ["red", "green"])


def test_a_noted_batch_is_there_after_a_restart(tmp_path: Path) -> None:
    noted(tmp_path / "ledger")
    with closing(Ledger(tmp_path / "ledger", "here")) as ledger:
        assert ledger.sent("green") == SENT
        assert sorted(ledger.keys("token")) == ["green", "red"]
        assert ledger.names() == set()


def test_a_struck_batch_leaves_its_answers(tmp_path: Path) -> None:
    noted(tmp_path / "ledger")
    with closing(Ledger(tmp_path / "ledger", "here")) as ledger:
        ledger.name("token", "batch-1")
        assert ledger.names() == {"batch-1"}
        ledger.keep([("red", COMPLETION)])
        ledger.strike("token")
        assert ledger.sent("red") is None
        assert ledger.answer("red") == COMPLETION


@pytest.mark.parametrize("answer", [COMPLETION, ParseError("refused by the server", "too long")])
def test_an_answer_comes_back_as_it_went_until_it_is_forgotten(
    tmp_path: Path, answer: Answer
) -> None:
    with closing(Ledger(tmp_path / "ledger", "here")) as ledger:
        ledger.keep([("red", answer)])
        assert repr(ledger.answer("red")) == repr(answer)
        ledger.forget(["red"])
        assert ledger.answer("red") is None


def test_batches_of_another_account_are_not_listed(tmp_path: Path) -> None:
    noted(tmp_path / "ledger")
    with closing(Ledger(tmp_path / "ledger", "here")) as ledger:
        ledger.name("token", "batch-1")
    with closing(Ledger(tmp_path / "ledger", "there")) as ledger:
        assert ledger.names() == set()


def test_a_broken_ledger_says_what_is_lost_with_it(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match=r"is broken .*remove it"):
        Ledger(tmp_path / "ledger", "here")
