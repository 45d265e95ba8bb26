"""Every imported label is taken, or named with the reason why not; none is lost in silence."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbezoar.calibration.importing import Imported, imported
from openbezoar.errors import DataError

SEEN = {"one", "two", "three", "17"}


def take(folder: Path, text: str, name: str = "given.csv") -> Imported:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return imported(path, SEEN)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "row,label\none,accept\ntwo,R\n17, Skip \n"),
        ("a.csv", "\ufeffid,note,label\r\none,so,a\r\ntwo,so,reject\r\n17,,s\r\n"),
        ("a.CSV", 'label,row\n"accept",one\nreject,"two"\ns,17'),
        ("a.jsonl", '{"row": "one", "label": "accept"}\n{"id": "two", "label": "r"}\n'
                    '{"id": 17, "label": "SKIP", "who": "me"}\n'),
    ],
)  # fmt: skip
def test_both_formats_are_read(tmp_path: Path, name: str, text: str) -> None:
    found = take(tmp_path, text, name)
    assert found.answers == {"one": "accept", "two": "reject", "17": "skip"}
    assert found.line() == f"{name}: 3 of 3 labels taken"


def test_every_label_is_counted_once(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        "row,label\none,accept\none,accept\ntwo,accept\ntwo,reject\nthree,a\nthree,r\nthree,r\n"
        "nobody,accept\n17,maybe\n17,\n",
    )
    assert found.answers == {"one": "accept", "three": "reject"}
    assert found.given == len(found.answers) + found.repeated + sum(
        len(left) for left in (found.unknown, found.tied, found.bad)
    )
    assert found.line() == (
        "given.csv: 2 of 10 labels taken; 3 repeat a row's label or are outvoted; "
        "1 left out for rows the judge never saw (line 9: 'nobody'); "
        "2 left out because they contradict each other (line 4: 'two', line 5: 'two'); "
        "2 left out because they are not accept, reject or skip (line 10: 'maybe', line 11: '')"
    )


def test_the_outcome_is_one_short_line_whatever_the_labels_hold(tmp_path: Path) -> None:
    lines = [f'{{"row": "one", "label": "\\u001b[31m\\n{"x" * 9000}{n}"}}' for n in range(50)]
    found = take(tmp_path, "\n".join([*lines, '{"row": "one", "label": "a"}']), "a.jsonl")
    assert "50 left out" in found.line()
    assert found.line().isprintable()
    assert len(found.line()) < 400


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.csv", "row,label\nnobody,accept\n", "no label was imported: a.csv: 0 of 1"),
        ("a.csv", "", "no label was imported"),
        ("a.csv", "name,verdict\none,accept\n", "a.csv:2: a label needs `row`"),
        ("a.csv", "row,verdict\none,accept\n", "a.csv:2: a label needs `row`"),
        ("a.jsonl", '{"row": "one"}\n', "a.jsonl:1: a label needs `row`"),
        ("a.jsonl", '{"row": ["one"], "label": "a"}\n', "a.jsonl:1: a label needs `row`"),
        ("a.jsonl", "one,accept\n", "a.jsonl:1: not JSON"),
        ("a.jsonl", '["one", "accept"]\n', "a.jsonl:1: not a JSON object (a line must"),
    ],
)
def test_what_is_no_list_of_labels_is_refused_in_one_line(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    with pytest.raises(DataError) as failure:
        take(tmp_path, text, name)
    assert complaint in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.csv", b"row,label\n\xff\xfe,accept\n", "cannot be read as CSV"),
        ("a.csv", b"row,label\n" + b"x" * 200_000 + b",a\n", "field larger than"),
        ("a.jsonl", b'{"row": "\xff"}\n', "cannot be read as text"),
    ],
)
def test_what_is_no_text_is_refused(
    tmp_path: Path, name: str, content: bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        imported(tmp_path / name, SEEN)


@given(st.binary(max_size=200), st.sampled_from([".csv", ".jsonl"]))
def test_whatever_a_file_holds_each_label_is_counted_or_the_file_refused(
    content: bytes, suffix: str
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"given{suffix}"
        path.write_bytes(b"row,label\none,a\n" * (suffix == ".csv") + content)
        try:
            found = imported(path, SEEN)
        except DataError:
            return
    left = sum(len(lines) for lines in (found.unknown, found.tied, found.bad))
    assert found.given == len(found.answers) + found.repeated + left


@pytest.mark.parametrize("name", ["absent.csv", "absent.jsonl"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"absent.*: no such file"):
        imported(tmp_path / name, SEEN)
