"""Workers whose steps are clocked: `celery -A benchmarks.clocked_steps worker`. For the row `profile` alone.

Each process writes the processor seconds of what it did into a file of its own, in the folder that CLOCKS names. Time
in a part is not in what holds the part.
"""

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import onnxruntime
from celery.signals import task_postrun

from benchmarks.profile import CLOCKS
from pipeline.conversation.once import Once
from pipeline.model.composed import Composed
from storage.archive import Archive
from storage.ledger import Ledger
from tasks import app, infer, prepare, reduce, runtime

__all__ = ["app"]

PARTS = (
    ("the network", onnxruntime.InferenceSession, ("run", "run_with_ort_values")),
    ("composing pictures", Composed, ("pictures",)),
    ("masks and checks", infer, ("answer",)),
    ("decoding photographs", Archive, ("photograph",)),
    ("making scenes", prepare, ("stage", "pack")),
    ("reading scenes", runtime, ("scene",)),
    ("fits and tests", Once, ("open", "proceed")),
    ("keeping scores and heat", reduce, ("_keep",)),
    ("the ledger", Ledger, ("take_part", "record_part", "begin", "show", "open_round", "claim_reduction", "scores")),
    ("the ledger", Ledger, ("finish", "produce", "settle")),
    *(("messages", module, ("publish",)) for module in (infer, prepare, reduce)),
)
_spent = defaultdict[str, float](float)
_inner = [0.0]  # seconds of the parts within each part that is open


def _clocked(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def clocked(*args: Any, **kwargs: Any) -> Any:
        began = time.process_time()
        _inner.append(0.0)
        try:
            return function(*args, **kwargs)
        finally:
            taken = time.process_time() - began
            _spent[part] += taken - _inner.pop()
            _inner[-1] += taken

    return clocked


def _write(**_: object) -> None:
    Path(os.environ[CLOCKS], f"{os.getpid()}.json").write_text(json.dumps(_spent), encoding="utf-8")


for _part, _holder, _names in PARTS:
    for _name in _names:
        setattr(_holder, _name, _clocked(_part, getattr(_holder, _name)))
task_postrun.connect(_write)
