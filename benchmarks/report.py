"""How long the report of a large store takes, how large it is, and how soon a browser shows it.

python benchmarks/report.py --rows 100000
"""

import argparse
import base64
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from openbezoar import memory
from openbezoar.records import Example, Grade, Message, Rejected, Seed, Verdict
from openbezoar.report.page import write
from tests.calibration.browser import browsing
from tests.report.conftest import Shelf, _put_training, scores_of

WORDS = ["the", "model", "water", "answer", "question", "why", "heavy", "light", "because"]


def text(stream: random.Random, words: int) -> str:
    """So many words."""
    return " ".join(stream.choices(WORDS, k=words))


def example(stream: random.Random, number: int, keep: bool) -> Example:
    """A judged conversation of about 200 words."""
    grade = Grade(status="Accept" if keep else "Reject", rating=stream.random())
    return Example(
        id=f"evol-{number}",
        messages=(
            Message(role="user", content=text(stream, 40)),
            Message(role="assistant", content=text(stream, 160)),
        ),
        verdicts=(Verdict(filter="judged", keep=keep, grade=grade),) if keep else (),
    )


def store(root: Path, rows: int) -> Shelf:
    """Seeds, answers and kept rows, a tenth of them rejected; training and scores."""
    stream, shelf = random.Random(0), Shelf(root)
    shelf.put(
        "seeds",
        "source",
        "seeds",
        {"read": rows, "rows": rows, "rejected": {}},
        files={
            "rows.jsonl": (Seed(id=f"seed-{n}", instruction=text(stream, 40)) for n in range(rows))
        },
    )
    shelf.put(
        "answers",
        "generate",
        "examples",
        {"seeds": rows, "rows": rows, "failed": {}},
        reads=["seeds"],
        files={"rows.jsonl": (example(stream, n, True) for n in range(rows))},
        settings={"scheme": {"kind": "respond"}},
    )
    lost = rows // 10
    verdict = Verdict(filter="judged", keep=False, reason="rated below 0.5")
    shelf.put(
        "lamini_kept",
        "filter",
        "examples",
        {"read": rows, "rows": rows - lost, "rejected": {"judged: rated below 0.5": lost}},
        reads=["answers"],
        settings={"filters": [{"kind": "judged"}]},
        files={
            "rows.jsonl": (example(stream, n, True) for n in range(rows - lost)),
            "rejected.jsonl": (
                Rejected(verdict=verdict, row=example(stream, n, False).model_dump(mode="json"))
                for n in range(lost)
            ),
        },
    )
    shelf.put("pairs", "source", "preferences", {"read": 1, "rows": 1, "rejected": {}})
    _put_training(shelf)
    for place in range(3):
        scores = [score.model_dump(mode="json") for score in scores_of(place)]
        shelf.put(f"eval_{place}", "evaluate", "scores", {"model": f"m{place}", "scores": scores})
    shelf.store.keep_recipe("name: large\nstages: {}\n")
    return shelf


def opened(page: Path, folder: Path) -> tuple[float, int]:
    """Seconds until the browser has loaded and drawn the page, and how high it is."""
    with browsing(folder) as browser:
        browser.open("about:blank", ready="true")
        began = time.perf_counter()
        browser.open(page.as_uri(), ready="document.readyState === 'complete'")
        base64.b64decode(browser.call("Page.captureScreenshot")["data"])
        return time.perf_counter() - began, browser.script("document.body.scrollHeight")


def main() -> None:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        root.mkdir()
        shelf = store(root, rows)
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        memory.reset_peak()
        began, busy = time.perf_counter(), time.process_time()
        page = write(shelf.store, Path(folder) / "report.html")
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
        print(f"store: {rows:,} rows a stage, {size / 1e6:.0f} MB")
        print(
            f"report: {seconds:.2f} s ({busy:.2f} s of a core), {page.stat().st_size / 1e6:.2f} MB"
        )
        print(f"peak memory: {memory.peak_mb():.0f} MB")
        shown, high = opened(page, Path(folder) / "browser")
        print(f"opened: {shown:.2f} s until drawn, {high:,} px high")


if __name__ == "__main__":
    main()
