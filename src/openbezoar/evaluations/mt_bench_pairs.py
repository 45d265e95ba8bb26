"""MT-Bench in pairs: a judge says which of two models answers better, asked in both orders."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import JsonValue, PositiveInt, model_validator

from openbezoar import files
from openbezoar.driver import over_rows, wait_for
from openbezoar.errors import ConfigError, DataError
from openbezoar.evaluations import journal
from openbezoar.evaluations.dialogues import Dialogue, from_answers
from openbezoar.evaluations.exam import ExamRuntime, ExamSettings, Paper
from openbezoar.evaluations.expecting import questions_of
from openbezoar.evaluations.fastchat import read_answers
from openbezoar.evaluations.judging import Game
from openbezoar.evaluations.matches import Match, Matching, match_of
from openbezoar.evaluations.published import Published
from openbezoar.families import (
    Bench,
    ChatModel,
    Evaluation,
    Flow,
    Item,
    Reading,
    Subject,
    expect,
)
from openbezoar.judges.pairwise import PairForm, form_of
from openbezoar.judges.wording import Wording
from openbezoar.plurals import counted
from openbezoar.ranges import Range, exactly
from openbezoar.records import Score

__all__ = ["MtBenchPairs"]

Games = list[list[Game]]
"""By pair of models."""


class PairsRuntime(ExamRuntime):
    """Logistics."""

    models: PositiveInt = 1
    """Models that answer at a time; each is in memory, and on a processor they share its cores."""


class Sitting(NamedTuple):
    """What came of one measurement."""

    paper: Paper
    answers: dict[str, list[Dialogue]]
    """By model, the one measured first."""
    pairs: list[tuple[str, str]]
    judged: list[Games]
    """By judge."""


class MtBenchPairs(ExamSettings, Evaluation):
    """The share of answers that a judge prefers to another model's, ties half (MT-Bench)."""

    kind: Literal["mt_bench_pairs"] = "mt_bench_pairs"
    against: tuple[str, ...] = ()
    """Merge stages, or checkpoints among the models, to compare with."""
    answers: tuple[str, ...] = ()
    """Answer files of FastChat to compare with, such as a published gpt-3.5-turbo.jsonl; seen from
    the current folder or, failing that, from the recipe's."""
    pairs: Literal["baseline", "all"] = "baseline"
    """baseline: the model measured against each of the others. all: those among each other too."""
    verdict: PairForm = "brackets"
    """brackets: the last `[[A]]`, `[[B]]` or `[[C]]` counts, and a reply without one is asked for
    once more. classic: as FastChat does it, with answers that may steer the judge, A if `[[A]]`
    stands anywhere, and no second try."""
    runtime: PairsRuntime = PairsRuntime()

    @model_validator(mode="after")
    def _has_others(self) -> "MtBenchPairs":
        names = [*self.against, *map(_name_of, self.answers)]
        if not names:
            raise ValueError("name models in `against`, or answer files in `answers`")
        if len(set(names)) < len(names):
            raise ValueError(f"two of the models to compare with have one name: {', '.join(names)}")
        return self

    def has_paths(self) -> bool:
        """Whether a setting is a path."""
        return bool(self.answers) or super().has_paths()

    def reads(self) -> tuple[str, ...]:
        """The models to compare with."""
        return self.against

    def check_reads(self, kinds: Mapping[str, str]) -> None:
        """They must be models."""
        for name in self.against:
            expect(name, kinds, "checkpoint", "model")

    def uses(self) -> tuple[str, ...]:
        """The judges."""
        return self.judges

    def check_ready(self) -> None:
        """The questions, prompts and answers must be here, and be what they claim to be."""
        self.check_files(self.has_own_wording())
        try:
            for name in self.answers:
                read_answers(files.located(name, self._folder))
        except DataError as error:
            raise ConfigError(f"answers: {error}") from None

    def evidence(self) -> JsonValue:
        """The wording of the judge's prompts, the questions, the files of answers."""
        paths = [files.located(name, self._folder) for name in self.answers]
        prints = [files.digest(path) if path.is_file() else "absent" for path in paths]
        return [*self.exam_evidence(self.has_own_wording()), *prints]

    def benchmarks(self) -> dict[str, JsonValue]:
        """The set of questions, with the digests of its files."""
        return {self.files.title: [*self.files.evidence()]}

    def items(self) -> Iterator[Item]:
        """Both turns of every question and the answers the judge is shown, whatever `limit`."""
        return self.exam_items()

    def expects(self, flows: Mapping[str, Flow]) -> Reading:
        """Every turn answered by every model, and every pair judged in both orders."""
        wording = self.wording_for(self.has_own_wording(), self.verdict != "classic")
        exam = self.expects_exam(wording)
        models, others = 1 + len(self.against), len(self.against) + len(self.answers)
        pairs = others if self.pairs == "baseline" else others * (others + 1) // 2
        judged = questions_of([exam.compared], self.judge_tokens)
        asked = {"": exam.answers.times(exactly(models))}
        for name in self.judges:
            asked[name] = judged.times(Range(low=1.8, likely=2, high=3) * (exam.turns * pairs))
        if self.references == "judge":
            asked[self.judge] = asked[self.judge].plus(exam.references)
        return Reading(asked)

    def measure(self, subject: Subject, bench: Bench) -> list[Score]:
        """A win rate for each pair of models, and how far the judge was swayed; one item a turn."""
        own = self.has_own_wording()
        wording = self.wording_for(own, self.verdict != "classic")
        sitting = wait_for(self._sit(subject, bench, wording))
        note = self.note_on(bench.specs[self.judge], sitting.paper, own)
        settings = {**self.settings_for(bench.specs, own), "verdict": self.verdict}
        scores: list[Score] = []
        for place, (ours, theirs) in enumerate(sitting.pairs):
            other = theirs if ours == subject.name else f"{ours}_over_{theirs}"
            name = f"{self.kind}.{other}"
            by_judge = [[match_of(game) for game in games[place]] for games in sitting.judged]
            made = Matching(name, self.missing_share, note, settings)
            scores += made.scores(by_judge[0])
            if self.second_judge is not None:
                label = bench.specs[self.second_judge].label
                scores.append(made.agreement(by_judge[0], by_judge[1], label))
            items = (_item(ours, theirs, match) for match in by_judge[0])
            journal.append(bench.folder / journal.ITEMS, items)
        self._publish(sitting, bench, wording)
        return scores

    async def _sit(self, subject: Subject, bench: Bench, wording: Wording) -> Sitting:
        paper = await self.paper(bench, wording, pair=True)
        answers = await self._answered(paper, subject, bench)
        for file in self.answers:
            given = read_answers(files.located(file, self._folder))
            answers[_name_of(file)] = from_answers(paper.questions, given)
        pairs = [pair for pair in combinations(answers, 2) if self._is_wanted(pair, subject)]
        judged = [await self._judged(name, answers, pairs, bench, wording) for name in self.judges]
        return Sitting(paper, answers, pairs, judged)

    async def _answered(
        self, paper: Paper, subject: Subject, bench: Bench
    ) -> dict[str, list[Dialogue]]:
        """What each model answers, in the order of the models."""
        models = self._models(subject, bench)

        async def work(name: str) -> list[Dialogue]:
            bench.say(f"{name} answers {counted(len(paper.questions), 'question')}")
            async with models[name] as model:
                return await self.interview(bench).ask(paper.questions, model)

        outcomes = over_rows(models, work, self.runtime.models)
        return {one.row: one.result async for one in outcomes if one.result is not None}

    async def _judged(
        self,
        name: str,
        answers: Mapping[str, list[Dialogue]],
        pairs: list[tuple[str, str]],
        bench: Bench,
        wording: Wording,
    ) -> Games:
        """All pairs at once, so that no pair's last verdict keeps the next pair waiting."""
        bench.say(f"{name} compares {counted(len(pairs), 'pair')} of models")
        games = [
            couple
            for ours, theirs in pairs
            for couple in zip(answers[ours], answers[theirs], strict=True)
        ]
        async with bench.open_model(name) as judge:
            court = self.court(wording, bench)
            played = await court.compare(games, judge, form_of(self.verdict))
        each = len(played) // len(pairs)
        return [played[start : start + each] for start in range(0, len(played), each)]

    def _models(
        self, subject: Subject, bench: Bench
    ) -> dict[str, AbstractAsyncContextManager[ChatModel]]:
        if subject.name in (*self.against, *map(_name_of, self.answers)):
            raise ConfigError(f"{self.kind}: {subject.name!r} cannot be compared with itself")
        opened = {subject.name: bench.open_checkpoint(subject.path, subject.fingerprint)}
        for name in self.against:
            if name in bench.inputs:
                artifact = bench.inputs[name]
                folder, print_ = artifact.folder / "model", artifact.manifest.fingerprint
            else:
                folder, print_ = bench.specs[name].folder(), name
            opened[name] = bench.open_checkpoint(folder, print_)
        return opened

    def _is_wanted(self, pair: tuple[str, str], subject: Subject) -> bool:
        return self.pairs == "all" or pair[0] == subject.name

    def _publish(self, sitting: Sitting, bench: Bench, wording: Wording) -> None:
        """Leave answers and judgments as FastChat keeps them too."""
        shelf = Published.fresh(bench.folder, self.files.title)
        for model, dialogues in sitting.answers.items():
            shelf.answers(model, dialogues)
        for name, by_pair in zip(self.judges, sitting.judged, strict=True):
            played = [
                (*pair, game)
                for pair, games in zip(sitting.pairs, by_pair, strict=True)
                for game in games
            ]
            shelf.games(bench.specs[name].label, wording, played)


def _name_of(file: str) -> str:
    """The model whose answers a file holds."""
    return Path(file).name.removesuffix(".gz").removesuffix(".jsonl")


def _item(ours: str, theirs: str, match: Match) -> dict[str, Any]:
    return {
        "evaluation": "mt_bench_pairs",
        "id": f"{match.question}.{match.turn}",
        "category": match.category,
        "model": ours,
        "against": theirs,
        "turn": match.turn,
        "first": match.first,
        "second": match.second,
        "outcome": match.outcome,
        "reason": match.reason,
        "detail": match.detail,
        "lengths": [match.length, match.their_length],
    }
