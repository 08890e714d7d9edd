"""Text that other programs wrote: in whatever encoding they did, and the known word that is nearest to one."""

import codecs
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

MARKS = (  # byte-order marks, the longer first: that of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
WESTERN = "read as Windows-1252, for it is not UTF-8"


def read_text(data: bytes) -> tuple[str, str | None]:
    r"""The text of a file with lines ended by \n, and what was guessed of its encoding, None for nothing.

    UTF-8, UTF-16 and UTF-32 by their marks; without one UTF-16 by its zeros, UTF-8, else Windows-1252.

    Raises
    ------
    ValueError
        If it is none of them; the message goes on from the name of the file.

    Examples
    --------
    >>> read_text("stål\r\ntre".encode("utf-16"))
    ('stål\ntre', None)
    >>> read_text(b"st\xe5l\rtre")
    ('stål\ntre', 'read as Windows-1252, for it is not UTF-8')
    """
    mark, encoding = next((pair for pair in MARKS if data.startswith(pair[0])), (b"", _unmarked(data)))
    guess = None
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        try:
            text, guess = data.decode("ascii" if mark else "cp1252"), WESTERN
        except UnicodeDecodeError:
            raise ValueError(f"not {encoding.upper()} text (byte {error.start}); save the file as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n"), guess


def folded(word: str) -> str:
    """A word as it is compared where neither case nor Unicode's normal form counts."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", word).casefold())


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a person may have meant, None if none is near.

    Examples
    --------
    >>> nearest("tre", ["BETONG", "STAAL", "TRE"]), nearest("granite", ["BETONG", "TRE"])
    ('TRE', None)
    """
    by_folded = {folded(one): one for one in known}
    found = get_close_matches(folded(word), by_folded, n=1)
    return by_folded[found[0]] if found else None


def resolved(name: str, names: Iterable[str]) -> str | None:
    """The one of the names that this is: exactly, or but for upper and lower case where only one is; else None.

    Examples
    --------
    >>> resolved("tre", ["TRE", "STAAL"]), resolved("a", ["A", "a"]), resolved("ab", ["Ab", "aB"])
    ('TRE', 'a', None)
    """
    known = list(names)
    alike = [one for one in known if folded(one) == folded(name)]
    return name if name in known else (alike[0] if len(alike) == 1 else None)


def meant(name: str, names: Iterable[str]) -> str:
    """` (did you mean X?)` for the nearest of the names, or nothing where none is near; case does not matter.

    Examples
    --------
    >>> meant("StåI", ["STÅL", "TRE"]), meant("pine", ["STÅL", "TRE"])
    (' (did you mean STÅL?)', '')
    """
    near = nearest(name, names)
    return f" (did you mean {near}?)" if near else ""


def _unmarked(data: bytes) -> str:
    """The encoding of text without a mark: every second byte of UTF-16 in Latin letters is zero."""
    pairs = len(data) // 2
    for encoding, zeros in (("utf-16-le", data[1::2].count(0)), ("utf-16-be", data[::2].count(0))):
        if pairs and zeros > 0.4 * pairs and zeros > 0.9 * data.count(0):
            return encoding
    return "utf-8"
