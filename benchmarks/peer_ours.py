"""Our own explanation of one photograph, asked line by line: `python -m benchmarks.peer_ours PROVIDER PRECISION ...`.

In a process of its own as its peers are, and so in whichever environment has the provider. A line is a recipe's name;
the answer is the seconds that an explanation takes, its scene included, or why there is none.
"""

import sys
import time

from benchmarks.subjects import model, natural
from pipeline.explain import explain
from pipeline.methods import explainer
from pipeline.model.pace import find_pace
from pipeline.model.precision import PRECISIONS, Unprovided
from pipeline.model.tried_provider import opened
from pipeline.recipe import Recipe
from pipeline.recipes import recipe
from pipeline.staging import stage


def made(name: str, evaluations: int) -> Recipe:
    """A recipe of so many evaluations, whose answers are not tested: peers do not test theirs."""
    return recipe(name).override({"judge": False, "samples": evaluations // len(recipe(name).seeds)})


def main(provider: str, precision: str, evaluations: int, threads: int, photograph: str) -> None:
    """Answer lines until there are no more."""
    try:
        wanted = next(one for one in PRECISIONS if one == precision)
        box = opened(model(), threads, [provider], wanted)
    except (Unprovided, RuntimeError) as error:
        print(error, flush=True)
        return
    find_pace(model(), box)
    for line in sys.stdin:
        asked = made(line.strip(), evaluations)
        began = time.perf_counter()
        explain(stage(natural(photograph), model().profile, asked), explainer(asked, model().labels), box.scores)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
