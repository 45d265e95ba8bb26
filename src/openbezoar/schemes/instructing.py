"""Whether a text asks for something: a question or a command, and no statement or title."""

import re

__all__ = ["is_instruction"]


def is_instruction(text: str) -> bool:
    """Whether the text holds a question mark, or a part that opens as a question or command does.

    Lenient on purpose: what is asked may follow a context, and politeness may precede the verb.
    """
    if "?" in text:
        return True
    sentences = _SENTENCE.split(text.casefold().replace("\u2019", "'"))
    return any(_asks(sentence) for sentence in sentences)


def _asks(sentence: str) -> bool:
    """A question word counts at the start alone: inside, it opens a relative clause."""
    parts = [_words(part) for part in _PART.split(sentence)]
    return any(_opens(words, _COMMANDS) for words in parts) or _opens(parts[0], _QUESTIONS)


def _words(part: str) -> list[str]:
    words = _WORD.findall(part)
    while words and words[0] in _BEFORE:
        del words[0]
    return words


def _opens(words: list[str], openings: frozenset[str]) -> bool:
    return bool(words) and (words[0] in openings or " ".join(words[:2]) in openings)


_SENTENCE = re.compile(r"(?<=[.!])\s+|\n+")
_PART = re.compile(r"[,;:\u2013\u2014]\s*|\s-\s|\bthen\b|\band\b")
_WORD = re.compile(r"\w+(?:'\w+)*")

# Lists of quoted words are no easier to read than these.
_BEFORE = frozenset(
    """
    please kindly now next also first second third finally but so ok okay hi hello hey just only
    simply briefly concisely carefully quickly step
    """.split()  # noqa: SIM905
)
_QUESTIONS = frozenset(
    """
    what which who whom whose when where why how what's who's where's how's is are was were am do
    does did can could will would should shall may might must has have had isn't aren't wasn't
    don't doesn't didn't can't won't wouldn't couldn't shouldn't
    """.split()  # noqa: SIM905
)
_COMMANDS = frozenset(
    """
    act add adapt advise analyse analyze answer apply argue arrange assess assign assume break
    brainstorm build calculate categorise categorize change check choose circle cite clarify
    classify code collect combine come comment compare compile complete compose compute conceive
    conclude condense conduct connect consider construct contrast convert correct count craft
    create critique debate decide deduce define demonstrate depict derive describe design detail
    detect determine develop devise diagnose differentiate discuss distinguish divide do draft draw
    edit elaborate employ enumerate estimate evaluate examine expand explain explore express extract
    fill find finish fix follow form formulate generate get give go group guess help highlight
    identify illustrate imagine implement improve include infer inform interpret introduce invent
    investigate jot justify keep label learn let let's list locate look make map mark match mention
    modify name note observe offer optimise optimize order organise organize outline output
    paraphrase perform pick pitch plan predict prepare present pretend produce program proofread
    propose prove provide put quote rank rate read rearrange recite recommend record refactor reduce
    remove repair rephrase replace report research respond restate retrieve return reverse review
    revise rewrite role-play say search segregate select sell separate set share show simplify
    simulate sketch solve sort speak specify spell split state study substitute suggest sum
    summarise summarize suppose take talk teach tell test think trace train transform translate try
    turn understand update use verify visualise visualize watch write
    """.split()  # noqa: SIM905
) | {"i need", "i want", "i'd like", "i would", "you are", "can you", "be creative"}
