"""Tables as spreadsheets save them: CSV with commas, semicolons or tabs, in any encoding."""

import csv
import io
from dataclasses import dataclass

from pipeline.text import read_text

DELIMITERS = ",;\t|"
HINT = "sep="  # the first line by which Excel says what it separates with


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table's rows that are not empty, with the numbers of their lines, and what was guessed in reading it."""

    rows: tuple[tuple[int, list[str]], ...]
    delimiter: str
    notes: tuple[str, ...]

    def columns(self, *wanted: frozenset[str]) -> list[int] | None:
        """Where a heading has a column of each of these names, each in small letters; None without such a heading."""
        heading = [cell.lower() for cell in self.rows[0][1]] if self.rows else []
        places = [next((place for place, cell in enumerate(heading) if cell in names), None) for names in wanted]
        found = [place for place in places if place is not None]
        return found if len(set(found)) == len(wanted) else None


def read_sheet(data: bytes, what: str, expected: str) -> Sheet:
    """The table in a file. Raises ValueError that begins with what it is and says what is expected."""
    try:
        text, guess = read_text(data)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
    hint, rest = text.split("\n", 1) if text.lower().startswith(HINT) and "\n" in text else ("", text)
    first = next((line for line in rest.split("\n") if line.strip()), "")
    delimiter = hint[len(HINT) :].strip(" ")[:1] or _delimiter(first)
    try:
        lines = list(csv.reader(io.StringIO(rest, newline=""), delimiter=delimiter))
    except (csv.Error, ValueError, TypeError) as error:
        raise ValueError(f"{what}: not a CSV file ({error}); expected lines of {expected}") from None
    cells = [(number, [cell.strip() for cell in row]) for number, row in enumerate(lines, start=1 + bool(hint))]
    return Sheet(tuple((number, row) for number, row in cells if any(row)), delimiter, (guess,) if guess else ())


def _delimiter(line: str) -> str:
    """What separates the cells of a line: of what it has outside quotes the most frequent."""
    outside = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=outside.count)
