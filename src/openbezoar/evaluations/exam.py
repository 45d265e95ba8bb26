"""What both forms of MT-Bench share: questions, references, the judge's prompts, the notes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, JsonValue, PositiveInt, PrivateAttr, model_validator

from openbezoar import catalog, files, prompts
from openbezoar.component import Component, Runtime, digest
from openbezoar.errors import ConfigError, DataError
from openbezoar.evaluations.dialogues import Interview
from openbezoar.evaluations.expecting import questions_of
from openbezoar.evaluations.fastchat import FastChatWording, read_prompts
from openbezoar.evaluations.held_out import spread
from openbezoar.evaluations.judging import Court
from openbezoar.evaluations.proving import proved
from openbezoar.evaluations.questions import MT_BENCH, SAMPLE, Question, QuestionFiles
from openbezoar.evaluations.references import References
from openbezoar.families import Bench, Expected, Item, ModelSpec, answer_of, tokens_of
from openbezoar.judges import pairwise, rating
from openbezoar.judges.wording import PAIR, RATE, Exchange, OwnWording, Wording
from openbezoar.records import Message

__all__ = ["EMBEDDED_NOTE", "ExamRuntime", "ExamSettings", "Paper", "refuse_json"]

EMBEDDED = "smollm2-135m"
"""Part of the embedded model's label; as a judge it cannot tell good from bad, measured."""
EMBEDDED_NOTE = "embedded judge: shows that the plumbing works, not how good a model is"
PROMPTS = "judge_prompts.jsonl"


class ExamRuntime(Runtime):
    """Logistics."""

    concurrency: PositiveInt = 16
    """Questions, and later verdicts, at work at a time."""


class Paper(NamedTuple):
    """The questions of one measurement, and what was done about their references."""

    questions: list[Question]
    note: str


class Exam(NamedTuple):
    """How much is asked in one measurement."""

    turns: int
    rated: float
    """The tokens that a judge reads to rate a turn, on average."""
    compared: float
    """The same to compare two answers."""
    answers: Expected
    """What one model is asked to answer."""
    references: Expected
    """What a judge is asked that writes the references itself."""


class ExamSettings(Component):
    """The settings of an evaluation with questions and a judge."""

    judge: str
    """The recipe's name of the model that judges; the paper's was Claude 2.1."""
    second_judge: str | None = None
    """A second judge of the same answers: how far the two agree is measured, scores stay the
    first one's."""
    questions: str = "sample"
    """sample: 16 questions of our own. mt_bench: the 80 of MT-Bench, from the data folder. Else a
    folder laid out like FastChat's: question.jsonl, reference_answer/*.jsonl, judge_prompts.jsonl;
    seen from the current folder or, failing that, from the recipe's."""
    references: References = "vetted"
    """What the judge is shown for math, reasoning and coding. vetted: MT-Bench's, with our own in
    place of those known to be wrong. classic: as published. judge: the judge's own answers, as in
    the paper, replaced by vetted ones where a computed result proves them wrong. none: nothing."""
    wording: Literal["auto", "own", "fastchat"] = "auto"
    """Whose judge prompts: our own, FastChat's, or auto: FastChat's but for the sample."""
    limit: PositiveInt | None = None
    """At most so many questions, spread evenly over the categories."""
    answer_tokens: PositiveInt = 1024
    """The longest answer, as in FastChat."""
    judge_tokens: PositiveInt = 1024
    """The longest reply of the judge."""
    missing_share: float = Field(default=0.2, ge=0, le=1)
    """With more than this share of verdicts missing, the score is invalid and has no value."""
    runtime: ExamRuntime = ExamRuntime()

    _folder: Path | None = PrivateAttr(None)

    def model_post_init(self, context: Any) -> None:
        """Remember where paths may start: the recipe's folder, its loader's `{"folder": Path}`."""
        if self.has_paths() and isinstance(context, dict):
            self._folder = context.get("folder")

    def has_paths(self) -> bool:
        """Whether a setting is a path."""
        return self.questions not in (SAMPLE, MT_BENCH)

    @model_validator(mode="after")
    def _judges_differ(self) -> Self:
        if self.second_judge == self.judge:
            raise ValueError("second_judge: name another model than the judge")
        return self

    @property
    def files(self) -> QuestionFiles:
        """The questions' files."""
        return QuestionFiles(self.questions, self._folder)

    @property
    def judges(self) -> tuple[str, ...]:
        """One judge or two."""
        return (self.judge,) if self.second_judge is None else (self.judge, self.second_judge)

    def has_own_wording(self, as_json: bool = False) -> bool:
        """Whether our own prompts are used; only they can ask for JSON."""
        return self.wording == "own" or (
            self.wording == "auto" and (self.questions == SAMPLE or as_json)
        )

    def check_files(self, own: bool) -> None:
        """Raise ConfigError when the questions, references or prompts cannot be used."""
        try:
            self.files.load(self.references)
            self.wording_for(own, guard=True)
        except DataError as error:
            raise ConfigError(f"questions: {error}") from None

    def exam_evidence(self, own: bool) -> list[JsonValue]:
        """The wording of the judge's prompts, and the questions."""
        return [*self._wording_evidence(own), *self.files.evidence()]

    def exam_items(self) -> Iterator[Item]:
        """Both turns of every question and the answers the judge is shown, whatever `limit`."""
        for question in self.files.load(self.references):
            texts = (*question.turns, *question.reference)
            yield Item(self.files.title, str(question.question_id), texts)

    def expects_exam(self, wording: Wording) -> "Exam":
        """How much is asked, supposing answers of middling length."""
        wanted = "none" if self.references == "judge" else self.references
        questions = spread(self.files.load(wanted), self.limit)
        answer = "word " * round(0.8 * answer_of(self.answer_tokens).likely)
        asked, guided, rated, compared = [], [], [], []
        for question in questions:
            shown = [Exchange(text, answer, question.reference_for(place))
                     for place, text in enumerate(question.turns)]  # fmt: skip
            for turns in range(1, len(shown) + 1):
                said = sum(tokens_of(one.question) for one in shown[:turns])
                asked.append(said + tokens_of(answer) * (turns - 1))
                guided += [asked[-1]] * question.is_guided
                rated.append(_tokens(wording.rate(shown[:turns])))
                compared.append(_tokens(wording.compare(shown[:turns], shown[:turns])))
        return Exam(
            len(asked), fmean(rated), fmean(compared),
            questions_of(asked, self.answer_tokens), questions_of(guided, self.answer_tokens),
        )  # fmt: skip

    def wording_for(self, own: bool, guard: bool, as_json: bool = False) -> Wording:
        """The judge's prompts; `guard` keeps answers from steering the judge."""
        if own:
            return OwnWording(as_json)
        return FastChatWording(read_prompts(self._prompt_file()), guard)

    def court(self, wording: Wording, bench: Bench) -> Court:
        """The judge's seat."""
        return Court(wording, self.judge_tokens, bench.seed, self.runtime.concurrency)

    def interview(self, bench: Bench) -> Interview:
        """How models are asked."""
        return Interview(self.runtime.concurrency, self.answer_tokens, bench.seed)

    async def paper(self, bench: Bench, wording: Wording, pair: bool) -> Paper:
        """The questions to ask, each proved to fit the judge's prompts before anyone answers."""
        questions = spread(self.files.load(self.references), self.limit)
        for question in questions:
            _try_out(wording, question, pair)
        if self.references == "judge":
            return await self._with_judges_own(questions, bench)
        own = self.questions == SAMPLE and self.references in ("vetted", "classic")
        return Paper(questions, "" if own else f"{self.references} references")

    async def _with_judges_own(self, questions: Sequence[Question], bench: Bench) -> Paper:
        bench.say(f"{self.judge} writes the reference answers")
        guided = [question for question in questions if question.is_guided]
        async with bench.open_model(self.judge) as judge:
            answered = await self.interview(bench).ask(guided, judge)
        return Paper(*proved(questions, answered, computable=self.questions == MT_BENCH))

    def note_on(self, spec: ModelSpec, paper: Paper, own: bool) -> str:
        """Who judged by which prompts, on which questions."""
        wording = "own" if own else "FastChat's"
        print_ = digest(self._wording_evidence(own))[:12]
        return "; ".join(
            [
                *([EMBEDDED_NOTE] if EMBEDDED in spec.label.lower() else []),
                f"judge {spec.label}, {wording} prompts {print_}",
                *(["questions of our own"] if self.questions == SAMPLE else []),
                *([paper.note] if paper.note else []),
            ]
        )

    def settings_for(self, specs: Mapping[str, ModelSpec], own: bool) -> dict[str, JsonValue]:
        """What a score depends on beside the models measured."""
        spec = specs[self.judge]
        return {
            "judge": spec.label,
            "judge_identity": digest(spec.identity())[:12],
            "prompts": digest(self._wording_evidence(own))[:12],
            "questions": self.files.title,
            "question_files": digest([*self.files.evidence()])[:12],
            "references": self.references,
            "limit": self.limit,
            "answer_tokens": self.answer_tokens,
            "judge_tokens": self.judge_tokens,
        }

    def _wording_evidence(self, own: bool) -> list[JsonValue]:
        if own:
            names = (RATE, PAIR, rating.REPAIR, pairwise.REPAIR)
            return [prompts.fingerprint(name) for name in names]
        if self.has_paths() and self._prompt_file().is_file():
            return [files.digest(self._prompt_file())]
        return [catalog.evidence(MT_BENCH, PROMPTS)]

    def _prompt_file(self) -> Path:
        """The set's own prompts, else MT-Bench's."""
        if self.has_paths():
            path = files.located(self.questions, self._folder) / PROMPTS
            if path.is_file():
                return path
        return catalog.find(MT_BENCH, PROMPTS)


def _try_out(wording: Wording, question: Question, pair: bool) -> None:
    """Raise what filling the judge's prompts for this question would raise."""
    filled = [
        Exchange(text, "-", question.reference_for(place))
        for place, text in enumerate(question.turns)
    ]
    for turns in range(1, len(filled) + 1):
        shown = filled[:turns]
        _ = wording.compare(shown, shown) if pair else wording.rate(shown)


def _tokens(asked: Sequence[Message]) -> float:
    return sum(tokens_of(message.content) for message in asked)


def refuse_json(own: bool) -> None:
    """Raise ConfigError: FastChat's prompts ask for a rating in brackets."""
    if not own:
        raise ConfigError("verdict: json needs our own prompts; set `wording: own`")
