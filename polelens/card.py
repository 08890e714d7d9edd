"""An explanation as it shows itself in a notebook: the answers, the picture, and the figures for who asks."""

from base64 import b64encode
from collections.abc import Iterable
from html import escape

from pipeline.answer.attribution import Attribution, LabelAttribution
from polelens.report.answers import answers
from polelens.report.views import Figures
from polelens.report.words import Sentence, sentences

MARKS = {"good": "#1a7f37", "fair": "#9a6700", "poor": "#b3261e", "plain": "#59636e"}  # each at least 4.5 : 1 on white


def card(attribution: Attribution, overlay: bytes, notes: Iterable[str]) -> str:
    """HTML that needs nothing but itself.

    Parameters
    ----------
    overlay : a PNG file
        Of the first label.
    """
    parts = [_label(attribution, label) for label in attribution.labels]
    first = attribution.labels[0].label
    shown = picture(overlay, f"The photograph with the evidence for {first} painted on it.")
    told = "".join(f"<p>note: {escape(note)}</p>" for note in notes)
    return f'<div style="background:#fff;color:#16191d;padding:0.5em">{told}{"".join(parts)}{shown}</div>'


def picture(data: bytes, words: str) -> str:
    """A PNG file as HTML, with words in its place for who cannot see it."""
    source = f"data:image/png;base64,{b64encode(data).decode()}"
    return f'<img alt="{escape(words, quote=True)}" style="max-width:100%" src="{source}">'


def _label(attribution: Attribution, label: LabelAttribution) -> str:
    said = f"<b>{escape(label.label)}</b> {attribution.probabilities[label.label]:.1%}"
    figures = _lines(sentences(Figures.of(attribution, label)))
    return f"<p>{said}</p>{_lines(answers(label.judgement))}<details><summary>Figures</summary>{figures}</details>"


def _lines(told: Iterable[Sentence]) -> str:
    lines = (f'<li style="color:{MARKS[one.mark]}">{escape(one.text)}</li>' for one in told)
    return f"<ul>{''.join(lines)}</ul>"
