"""The alerts: Prometheus's own tool says what it thinks of them, and when each is given."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from tests.chart import FOLDER, manifests, of_kind

ROOT = Path(__file__).resolve().parents[2]
FILE = FOLDER / "files/alerts.yaml"
RULES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["groups"][0]["rules"]
ALERTS = [one["alert"] for one in RULES if "alert" in one]
UP = 'polelens_up{service="postgres"}'
DONE, FAILED = 'polelens_photographs_done_total{model="a@1"}', 'polelens_photographs_failed_total{model="a@1",cause='
INFER = 'polelens_photographs{step="infer"}'
PAUSED = 'polelens_audits{state="paused"}'

# What is measured each minute, in Prometheus's notation, and the alerts that are given after so many minutes.
Case = tuple[dict[str, str], dict[int, set[str]]]
CASES: dict[str, Case] = {
    "all is well": (
        {UP: "1x200", INFER: "8x200", DONE: "0+3x200", f'{FAILED}"prepare"}}': "0x200"},
        {70: set(), 190: set()},
    ),
    "a service is away": ({UP: "1x10 0x20"}, {12: set(), 15: {"PolelensServiceAway"}}),
    "nobody measures": ({UP: "1x5 _x60"}, {14: set(), 20: {"PolelensNotMeasured"}}),
    "nothing is done": ({UP: "1x200", INFER: "0x60 8x140", DONE: "7x200"}, {110: set(), 125: {"PolelensNothingDone"}}),
    "the first photograph of a model is done": (
        {UP: "1x200", INFER: "0x60 8x140", DONE: "_x90 1x110"},
        {125: set(), 145: set()},
    ),
    "nothing is done while the store is away": (
        {UP: "1x200", INFER: "8x200", PAUSED: "0x30 1x170"},
        {39: set(), 190: {"PolelensAuditPaused"}},
    ),
    "a step is stuck": (
        {UP: "1x200", 'polelens_oldest_seconds{step="reduce"}': "0+60x200"},
        {65: set(), 75: {"PolelensStepStuck"}},
    ),
    "nobody serves control": (
        {
            UP: "1x60",
            'polelens_queue_messages{queue="control"}': "0+28x60",
            'polelens_queue_messages{queue="infer"}': "500x60",
        },
        {5: set(), 10: {"PolelensControlUnserved"}},
    ),
    "many photographs fail": (
        {UP: "1x200", DONE: "0+1x200", f'{FAILED}"prepare"}}': "_x80 0+1x120"},
        {85: set(), 100: {"PolelensPhotographsFail"}},
    ),
    "a few of many fail": ({UP: "1x200", DONE: "0+10x200", f'{FAILED}"prepare"}}': "_x80 0+0.3x120"}, {150: set()}),
    "a process was killed": (
        {UP: "1x300", f'{FAILED}"killed"}}': "_x80 1x220"},
        {75: set(), 82: {"PolelensProcessesDie"}, 145: set()},
    ),
    "what failed before Prometheus came": ({UP: "1x60", f'{FAILED}"killed"}}': "40x60"}, {30: set(), 59: set()}),
    "work is handed out again": (
        {UP: "1x90", 'polelens_republished_total{model="a@1"}': "0+4x90"},
        {20: set(), 60: {"PolelensWorkHandedOutAgain"}},
    ),
}


def _promtool(*words: str | Path) -> None:
    program = shutil.which("promtool", path=f"{ROOT / 'build/promtool/usr/bin'}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("there is no promtool on the PATH; it is in Debian's package prometheus")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_has_nothing_against_the_rules() -> None:
    """Their syntax, their expressions and their templates."""
    _promtool("check", "rules", FILE)


def test_each_alert_is_given_when_it_should_be_and_not_before(tmp_path: Path) -> None:
    """By Prometheus's own evaluation of series, with a case of every alert and of what looks like one."""
    told = {name for _, times in CASES.values() for given in times.values() for name in given}
    assert told == set(ALERTS)
    tests = [_test(name, *case) for name, case in CASES.items()]
    written = tmp_path / "alerts.json"
    written.write_text(json.dumps({"rule_files": [str(FILE)], "evaluation_interval": "1m", "tests": tests}))
    _promtool("test", "rules", written)


def _test(name: str, series: dict[str, str], times: dict[int, set[str]]) -> dict[str, Any]:
    """A case as promtool reads it: at each time the alerts that are given, by name, and that no other is."""
    asked = [
        {
            "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
            "eval_time": f"{minute}m",
            "exp_samples": _given(given),
        }
        for minute, given in times.items()
    ]
    inputs = [{"series": one, "values": values} for one, values in series.items()]
    return {"name": name, "interval": "1m", "input_series": inputs, "promql_expr_test": asked}


def _given(names: set[str]) -> list[dict[str, Any]]:
    return [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(names)]


def test_every_rule_asks_for_what_there_is() -> None:
    """Metrics that the dashboard's test knows, or what a rule before it records; each expression parses."""
    operations = (ROOT / "docs/operations.md").read_text()
    recorded = {one["record"] for one in RULES if "record" in one}
    for one in RULES:
        promql_parser.parse(one["expr"])
        for name in re.findall(r"\bpolelens[_:][\w:]+", one["expr"]):
            assert name in recorded or f"`{name}`" in operations, name


def test_every_alert_is_explained() -> None:
    """Operations has a row for each, with its threshold and what to do, and none for others."""
    operations = (ROOT / "docs/operations.md").read_text()
    assert re.findall(r"^\| `(Polelens\w+)` \|", operations, re.MULTILINE) == ALERTS


def test_the_chart_gives_the_operator_these_rules() -> None:
    """As they are in the file, where the Prometheus Operator is; and the same file is Compose's Prometheus's."""
    labels = {"release": "mine"}
    found = manifests(prometheusOperator={"enabled": True, "labels": labels})
    rule = of_kind(found, "PrometheusRule")["demo-alerts"]
    assert rule["spec"] == yaml.safe_load(FILE.read_text())
    assert rule["metadata"]["labels"]["release"] == "mine"
    monitors = of_kind(found, "PodMonitor")
    assert set(monitors) == {"demo-flower", "demo-metrics"}
    deployments = of_kind(found, "Deployment")
    for name, one in monitors.items():
        labels = deployments[name]["spec"]["template"]["metadata"]["labels"]
        assert one["spec"]["selector"]["matchLabels"].items() <= labels.items()
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())
    assert prometheus["rule_files"] == ["/etc/prometheus/alerts.yaml"]
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    [mounted] = [one for one in compose["services"]["prometheus"]["configs"] if one["target"].endswith("alerts.yaml")]
    assert (ROOT / "deploy" / compose["configs"][mounted["source"]]["file"]).resolve() == FILE
