"""What is found is counted, placed and never shown whole."""

from pathlib import Path

from openbezoar.publishing.findings import Findings, own_secrets

MAIL = "jane.roe@mailhouse.org"


def test_a_finding_tells_its_row_and_field_but_not_itself() -> None:
    findings = Findings()
    findings.read("train row evol-7", {"messages": [{"content": "Hi"}, {"content": f"to {MAIL}"}]})
    assert findings.told() == (
        "1 x e-mail address (train row evol-7, messages.1.content: ja… (22 characters))"
    )


def test_a_value_that_stands_in_several_fields_of_a_row_counts_once() -> None:
    findings = Findings()
    findings.read("row 1", {"response": MAIL, "messages": [{"content": MAIL}]})
    findings.read("row 2", {"response": MAIL})
    assert findings.counts == {"e-mail address": 2}


def test_only_the_first_places_are_told() -> None:
    findings = Findings()
    for number in range(9):
        findings.read(f"row {number}", MAIL)
    (row,) = findings.as_rows()
    assert row["times"] == 9
    assert "row 2" in row["places"]
    assert row["places"].endswith("; and others")


def test_the_keys_of_this_process_are_known_by_their_value() -> None:
    environment = {
        "TEACHER_API_KEY": "plain words of ours",
        "SHORT_KEY": "abc",
        "PATH": "/usr/bin:/bin",
    }
    own = own_secrets(environment, Path("/home/jane"))
    findings = Findings(own)
    findings.read("README.md", "It was made with plain words of ours in /home/jane/run, abc.")
    assert findings.counts == {"value of TEACHER_API_KEY": 1, "home folder": 1}
    assert "plain words" not in findings.told()


def test_the_home_of_root_is_nobodys() -> None:
    assert own_secrets({}, Path("/root")) == {}
