"""Marks: what people say of explanations, and how often they agree with each answer."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, text

from pipeline.answer.interval import wilson
from storage.audits import PAGE

AGREE, WRONG = "agree", "wrong"
WORDS = (AGREE, WRONG)
LONGEST_COMMENT, LONGEST_TAG, MOST_TAGS, LONGEST_LABEL = 2_000, 40, 20, 200


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person says of an explanation.

    Attributes
    ----------
    who : str
    word : str or None
        "agree" with what is said of it, "wrong", or neither.
    label : str or None
        The right label of the photograph, in this person's eyes.
    comment : str
    tags : tuple of str
    marked_at : datetime or None
        When; None of one that is not kept yet.
    """

    who: str
    word: str | None = None
    label: str | None = None
    comment: str = ""
    tags: tuple[str, ...] = ()
    marked_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.word not in (None, *WORDS):
            raise ValueError(f"mark is {self.word!r}, expected {' or '.join(WORDS)}")
        if len(self.comment) > LONGEST_COMMENT or "\0" in self.comment:
            given = f"{len(self.comment):,} characters"
            raise ValueError(f"comment has {given}, expected text of up to {LONGEST_COMMENT:,}")
        if self.label is not None and not (0 < len(self.label) <= LONGEST_LABEL and self.label.isprintable()):
            raise ValueError(f"label is {self.label!r}, expected a line of up to {LONGEST_LABEL} characters")
        for tag in self.tags:
            if not 0 < len(tag) <= LONGEST_TAG or not tag.isprintable() or set(tag) & {" ", ","}:
                raise ValueError(f"tag is {tag!r}, expected a word of up to {LONGEST_TAG} characters, without commas")
        if len(self.tags) > MOST_TAGS:
            raise ValueError(f"there are {len(self.tags)} tags, expected up to {MOST_TAGS}")
        object.__setattr__(self, "tags", tuple(sorted(set(self.tags))))

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.word or self.label or self.comment or self.tags)


@dataclass(frozen=True, slots=True)
class Said:
    """A mark, and the photograph and the label explained that it is of."""

    image: str
    name: str
    explained: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often people agree with an answer: of so many who said "agree" or "wrong", a share, and its 95 % interval.

    The interval is Wilson's, and takes each mark for a case of its own: what two people say of one photograph counts
    twice.
    """

    question: str  # soundness, basis or verdict
    answer: str
    marks: int
    agreed: int

    @property
    def share(self) -> float:
        """Of the marks, those that agree."""
        return self.agreed / self.marks

    @property
    def interval(self) -> tuple[float, float]:
        """Its bounds."""
        return wilson(self.share, self.marks)


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a database."""

    engine: Engine

    def put(self, explanation: int, mark: Mark) -> None:
        """Keep what a person says in the place of what they said before; of nothing, keep nothing."""
        values = {"id": explanation, **asdict(mark), "tags": list(mark.tags)}
        with self.engine.begin() as c:
            c.execute(text(_REMOVE if mark.empty else _PUT), values)

    def of(self, explanation: int) -> list[Mark]:
        """What people say of an explanation, the latest first."""
        with self.engine.begin() as c:
            return [_mark(row) for row in c.execute(text(_OF), {"id": explanation})]

    def all(self, audit: int) -> Iterator[Said]:
        """The marks of an audit, page by page."""
        after: tuple[int, str] = 0, ""
        while True:
            values = {"audit": audit, "explanation": after[0], "who": after[1], "page": PAGE}
            with self.engine.begin() as c:
                rows = c.execute(text(_ALL), values).all()
            yield from (Said(row.image, row.name, row.explained, _mark(row)) for row in rows)
            if len(rows) < PAGE:
                return
            after = rows[-1].explanation, rows[-1].who

    def agreement(self, audit: int) -> Sequence[Agreement]:
        """How often people agree with each answer that an audit gives."""
        with self.engine.begin() as c:
            return [Agreement(*row) for row in c.execute(text(_AGREEMENT), {"audit": audit})]


def _mark(row: Row[Any]) -> Mark:
    return Mark(row.who, row.word, row.label, row.comment, tuple(row.tags), row.marked_at)


_PUT = """
INSERT INTO mark (explanation_id, who, word, label, comment, tags)
VALUES (:id, :who, :word, :label, :comment, :tags)
ON CONFLICT (explanation_id, who) DO UPDATE SET word = excluded.word, label = excluded.label,
    comment = excluded.comment, tags = excluded.tags, marked_at = now()
"""

_REMOVE = "DELETE FROM mark WHERE explanation_id = :id AND who = :who"

_OF = """
SELECT who, word, label, comment, tags, marked_at FROM mark WHERE explanation_id = :id ORDER BY marked_at DESC, who
"""

_ALL = """
SELECT k.explanation_id AS explanation, i.sha256 AS image, i.name, t.label AS explained,
       k.who, k.word, k.label, k.comment, k.tags, k.marked_at
FROM audit_explanation ae JOIN mark k ON k.explanation_id = ae.explanation_id
JOIN explanation e ON e.id = k.explanation_id JOIN image i ON i.id = e.image_id
JOIN attribution t ON t.explanation_id = e.id AND t.place = 1
WHERE ae.audit_id = :audit AND (k.explanation_id, k.who) > (:explanation, :who)
ORDER BY k.explanation_id, k.who LIMIT :page
"""

_AGREEMENT = """
SELECT given.question, given.answer, count(*) AS marks, count(*) FILTER (WHERE k.word = 'agree') AS agreed
FROM audit_explanation ae JOIN mark k ON k.explanation_id = ae.explanation_id AND k.word IS NOT NULL
JOIN attribution t ON t.explanation_id = k.explanation_id AND t.place = 1
CROSS JOIN LATERAL (VALUES (1, 'soundness', t.soundness), (2, 'basis', t.basis), (3, 'verdict', t.verdict))
    AS given (place, question, answer)
WHERE ae.audit_id = :audit AND given.answer IS NOT NULL
GROUP BY given.place, given.question, given.answer ORDER BY given.place, marks DESC, given.answer
"""
