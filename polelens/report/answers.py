"""The two answers in words: of one explanation, and of all of an audit's."""

from dataclasses import dataclass, replace

from pipeline.answer.interval import wilson
from pipeline.answer.judgement import BACKGROUND, BOTH, DOUBTFUL, NOTHING, OBJECT, SOUND, UNKNOWN, Judgement
from polelens.report.words import Mark, Sentence, named
from storage.overview import Overview

HALF = 0.5  # of the photographs with a mask: what is said of a model holds for more of them, the interval and all
VERDICTS = {  # what each word of an earlier version means to who reads it
    "trusted": "the colours show what the answer rests on",
    "background": "the answer rests on the background",
    "unstable": "another run explains it otherwise",
    "unfaithful": "the explanation does not follow the model",
    "unexplained": "hiding the whole picture hardly changes the answer",
}
EARLIER = "judged by an earlier version, in one word"
DOUBTS = {  # why an explanation is doubtful
    "unstable": "repeating it gives another one",
    "unfaithful": "it does not follow the model",
    "few superpixels": "too few to tell it from chance",
    "neighbourhood": "hiding one part at a time contradicts it",
    "fill": "what hides the parts is an answer of its own",
}


@dataclass(frozen=True, slots=True)
class Portion:
    """How many photographs have one answer, in words; `kind` is its colour and pattern in the report."""

    kind: str
    word: str
    meaning: str
    photographs: int


def answers(judgement: Judgement | None, word: str = "object") -> list[Sentence]:
    """The answers to the two questions; green only where a mask says object and the explanation is sound.

    `word` is what the object is called.
    """
    return [Sentence(one.mark, named(one.text, word)) for one in _answers(judgement, word)]


def _answers(judgement: Judgement | None, word: str) -> list[Sentence]:
    if judgement is None:
        return []
    if judgement.verdict:
        return [Sentence("plain", f"{judgement.verdict.word} ({EARLIER}): {judgement.verdict.sentence}")]
    sound, basis = judgement.soundness, judgement.basis
    told = []
    if sound:
        doubtful = sound.word == DOUBTFUL
        figure = f" ({sound.figure} {sound.value:.2f})" if doubtful else ""
        said = f"Is the explanation sound? {_capital(str(sound))}. {sound.sentence}{figure}"
        told.append(Sentence("fair" if doubtful else "plain", said))
    if basis:
        mark = answer_mark(judgement.words)
        rests = _capital(word if basis.word == OBJECT else basis.word)
        told.append(Sentence(mark, f"What does the answer rest on? {rests}. {basis.sentence}"))
    return told + ([Sentence("fair", judgement.warning)] if judgement.warning else [])


def answer_mark(words: str | None) -> Mark:
    """Of both answers in a few words, as `Judgement.words` gives them; plain where nobody knows, or it is of before.

    Examples
    --------
    >>> [answer_mark(words) for words in ("sound, object", "doubtful (fill), object", "sound, unknown", "trusted")]
    ['good', 'fair', 'plain', 'plain']
    """
    sound, _, basis = (words or "").rpartition(", ")
    if basis == BACKGROUND and sound:
        return "poor"
    if basis == OBJECT and sound == SOUND:
        return "good"
    return "fair" if sound and basis != UNKNOWN else "plain"


def headline(overview: Overview, word: str = "object") -> Sentence | None:
    """What an audit comes to, in one sentence of the photographs with a mask; None where nothing was judged.

    `word` is what the object is called.

    Examples
    --------
    >>> from storage.overview import Judged
    >>> headline(Overview(judgements=[Judged("sound", None, "background", True, 22, 0.92)])).text
    'The model looks at the background: the answers on 22 of 22 photographs with a mask rest on it.'
    """
    told = _headline(overview)
    return told and Sentence(told.mark, named(told.text, word))


def _headline(overview: Overview) -> Sentence | None:
    judged, masked = overview.count(), overview.count(masked=True)
    if not judged:
        return _earlier(overview)
    if not masked:
        sound = f"{overview.count(sound=True):,} of {judged:,} explanations are sound"
        return Sentence("plain", f"What the model looks at is not known, as nobody said where the object is; {sound}.")
    of = f"{masked:,} photograph{'s' * (masked > 1)} with a mask" + (f" (of {judged:,})" if masked < judged else "")
    grounded = {basis: overview.count(masked=True, basis=basis) for basis in (OBJECT, BACKGROUND, BOTH)}
    if _most(grounded[BACKGROUND], masked):
        told = f"the answers on {grounded[BACKGROUND]:,} of {of} rest on it"
        return Sentence("poor", f"The model looks at the background: {told}.")
    if _most(grounded[OBJECT], masked):
        sound_too = overview.count(sound=True, masked=True, basis=OBJECT)
        told = f"the answers on {grounded[OBJECT]:,} of {of} rest on it"
        beside = "" if sound_too == grounded[OBJECT] else f", {sound_too:,} of them soundly explained"
        mark: Mark = "good" if _most(sound_too, masked) else "fair"
        return Sentence(mark, f"The model looks at the object: {told}{beside}.")
    told = f"{grounded[OBJECT]:,} rest on the object, {grounded[BACKGROUND]:,} on the background"
    told += f", {grounded[BOTH]:,} on both"
    told += "; too few to say that most do" if max(grounded[OBJECT], grounded[BACKGROUND]) > HALF * masked else ""
    return Sentence("fair", f"What the model looks at is not settled: of the answers on {of}, {told}.")


def soundness(overview: Overview) -> list[Portion]:
    """Is the explanation sound? A portion for each answer that occurs, the best first."""
    rows: list[tuple[str, str | None, str]] = [(SOUND, None, "the colours show what the answer depends on")]
    rows += [(DOUBTFUL, reason, meaning) for reason, meaning in DOUBTS.items()]
    rows += [(NOTHING, None, "hiding the whole picture hardly changes the answer")]
    found = [
        Portion(
            word.split()[0], word if reason is None else f"{word}: {reason}", meaning, _number(overview, word, reason)
        )
        for word, reason, meaning in rows
    ]
    return [one for one in found if one.photographs]


def bases(overview: Overview, word: str = "object") -> list[Portion]:
    """What does the answer rest on? A portion for each answer that occurs; of the object, whether soundly explained.

    `word` is what the object is called.
    """
    sound, known = overview.count(sound=True, masked=True, basis=OBJECT), overview.count(masked=True, basis=OBJECT)
    masked, unknown = overview.count(masked=True, basis=UNKNOWN), overview.count(basis=UNKNOWN)
    found = [
        Portion("object", "the object", "and the explanation is sound", sound),
        Portion("both", "the object, in doubt", "the explanation is doubtful", known - sound),
        Portion("both", "both", "the object and the background alike", overview.count(basis=BOTH)),
        Portion("background", "the background", "not the object", overview.count(basis=BACKGROUND)),
        Portion("unknown", "unknown", "hiding the object and the background hardly changes the answer", masked),
        Portion("unknown", "unknown: no mask", "nobody said where the object is", unknown - masked),
    ]
    return [
        replace(one, word=named(one.word, word), meaning=named(one.meaning, word)) for one in found if one.photographs
    ]


def _earlier(overview: Overview) -> Sentence | None:
    """Of an audit that has verdicts alone."""
    found = ", ".join(f"{one.verdict} {one.photographs:,}" for one in overview.verdicts)
    return Sentence("plain", f"{_capital(EARLIER)} for each photograph: {found}.") if found else None


def _most(photographs: int, of: int) -> bool:
    """Whether more than half is what the interval of the share says."""
    return wilson(photographs / of, of)[0] > HALF


def _number(overview: Overview, word: str, reason: str | None) -> int:
    return sum(one.photographs for one in overview.judgements if (one.soundness, one.reason) == (word, reason))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
