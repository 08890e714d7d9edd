"""A retrained model starts its own audit, and what changed is told from noise: the demo's two versions."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.photographs import archive, write
from tests.commands import Commands, CommandsIn
from tests.live_audits import Bench

ROOT = Path(__file__).resolve().parents[2]
ONE, TWO = ROOT / "demo/poles-v1.zip", ROOT / "demo/poles-v2.zip"
FEW = ("--samples", "64", "--set", "seeds=[1,11,21,31,41]")  # a fifth of the default's evaluations


@pytest.fixture
def cli(bench: Bench, commands: CommandsIn, tmp_path: Path) -> Iterator[Commands]:
    """The command line of a bench with workers and a beat, and in its archive nine of the demo's photographs."""
    bench.environment["POLELENS_PART_EVALUATIONS"] = "0"
    bench.workers(2)
    bench.beats(1)
    cli, folder = commands(bench.environment), tmp_path / "archive"
    write(folder, archive(9, 2026, shortcut=False))
    cli("images", "add", folder / "photographs", "--labels", folder / "labels.csv", "--masks", folder / "masks")
    return cli


def until(found: Callable[[], Any], seconds: float = 240) -> Any:
    """What is found, as soon as there is any."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"not there in {seconds} s"
        time.sleep(0.5)
    return value


def compared(cli: Commands) -> list[dict[str, Any]]:
    return [one for one in cli.json("audit", "comparisons") if one["state"] == "done"]


def counted(cli: Commands, bench: Bench) -> tuple[int, int, int]:
    """Explanations, evaluations answered for them, and scenes, so far."""
    with bench.audits.engine.begin() as c:
        explanations, evaluations = c.exec_driver_sql("SELECT count(*), sum(evaluations) FROM explanation").one()
    scenes = len(list((Path(bench.environment["POLELENS_BLOBS"]) / "scenes").rglob("*.npz")))
    return explanations, evaluations, scenes


def test_a_retrained_model_is_audited_and_compared_by_itself(cli: Commands, bench: Bench, tmp_path: Path) -> None:
    """poles@2 is better grounded than poles@1, and nobody asked; the same file again does nothing; other seeds, no
    change; and of all this nothing is computed twice."""
    cli("models", "add", ONE, "poles")
    assert cli.alone("audit", "start", "poles", *FEW, "--watch")[0] == 0
    cli("policy", "set", "poles", *FEW)
    assert "compared with audit 1" in cli("models", "add", TWO, "poles")
    [found] = until(lambda: compared(cli))
    assert (found["model_before"], found["model_after"]) == ("poles@1", "poles@2")
    outcome = found["outcome"]
    assert outcome["word"] == "better"
    assert outcome["sentence"].startswith("Better grounded: poles@2 leans on the background less than poles@1, by 0.")
    before, after, difference = (outcome["reliance"][name] for name in ("before", "after", "difference"))
    assert after["high"] < before["low"]
    assert difference["high"] < 0
    assert outcome["counts"]["compared"] == 9
    assert outcome["counts"]["changed"] > 4

    explanations, evaluations, scenes = counted(cli, bench)
    assert (explanations, scenes) == (18, 9)  # two models, one scene for each photograph
    assert "nothing changed" in cli("models", "add", TWO, "poles")
    assert len(cli.json("audit", "list")) == 2
    told = cli("audit", "start", "poles@1", *FEW)
    assert "9 of them explained before, about 0 evaluations" in told
    assert counted(cli, bench) == (explanations, evaluations, scenes)

    assert cli.alone("audit", "start", "poles@1", *FEW, "--seed", "2", "--watch")[0] == 0
    seeds = cli.json("audit", "compare", "1", "4")
    assert seeds["outcome"]["word"] == "same"
    assert seeds["outcome"]["sentence"].startswith(("No change that can be told from noise", "Hardly any change"))
    assert seeds["outcome"]["counts"]["changed"] <= 1  # 5 % of nine, with what chance adds
    assert counted(cli, bench)[0::2] == (27, 9)

    page = cli("audit", "compare", "1", "2", "--report", tmp_path / "comparison")
    assert "Better grounded" in page
    assert len(list((tmp_path / "comparison/pictures").glob("*.webp"))) == 2 * outcome["counts"]["changed"]
