"""The demo's models are told apart by what is read of their inside."""

from click.testing import CliRunner

from benchmarks.inside import main


def test_the_first_model_looks_at_backgrounds_and_the_second_at_poles() -> None:
    """Class activation maps of the second lie on the pole, of the first beside it."""
    done = CliRunner().invoke(main, ["--photographs", "3", "--recipe", "cam", "--recipe", "grad-cam"])
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.output.splitlines()]
    shares = {row[0]: (float(row[1]), float(row[2])) for row in rows if row and row[0] in ("cam", "grad-cam")}
    assert set(shares) == {"cam", "grad-cam"}
    for first, second in shares.values():
        assert first < 0.35
        assert second > 0.5
