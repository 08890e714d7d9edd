"""In CI (CI=true) a skipped test fails, unless it stands here: else what nobody runs looks well.

What is listed needs what not every machine that runs CI can have.
"""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

# Test, or file of which all are skipped, and how its reason begins.
LISTED = {
    "tests/acceptance/test_flower_page.py::test_a_person_follows_an_audit_in_flower": "there is no Chromium",
    "tests/acceptance/test_pages.py": "there is no Chromium",
    "tests/integration/test_below.py::test_a_browser_goes_its_way_below_the_path": "there is no Chromium",
    "tests/acceptance/test_pauses.py::test_a_disk_that_gets_full_in_mid_audit": "no disk can be mounted here",
    "tests/unit/test_alerts.py::test_promtool_has_nothing_against_the_rules": "there is no promtool",
    "tests/unit/test_alerts.py::test_each_alert_is_given_when_it_should_be_and_not_before": "there is no promtool",
    "tests/integration/test_blob_outages.py::test_a_disk_that_is_full_or_read_only": "no disk can be mounted here",
    "tests/integration/test_blob_outages.py::test_a_folder_that_is_not_ours": "root may read and write",
    "tests/integration/test_cli_outages.py::test_photographs_that_fill_the_disk": "no disk can be mounted here",
    "tests/integration/test_database.py::test_a_server_that_went_without_a_word_is_given_up": "only Linux has it",
    "tests/oracles/test_ledgers.py": "torch and zennit are not installed: `make oracles` runs this",
    "tests/oracles/test_saliency.py": "saliency is not installed: `make oracles` runs this",
    "tests/oracles/test_zennit.py": "torch and zennit are not installed: `make oracles` runs this",
    "tests/oracles/test_captum.py": "the oracles are not installed: `make oracles` runs this",
    "tests/integration/test_openvino_audits.py": "OpenVINO is not installed: `make openvino` runs this",
    "tests/unit/test_cuda.py": "there is no GPU: `make gpu` runs this",
    "tests/unit/test_openvino.py": "OpenVINO is not installed: `make openvino` runs this",
    "tests/integration/test_converted.py": "TensorFlow is not installed: `make tensorflow` runs this",
    "tests/oracles/test_autograd.py": "PyTorch is not installed: `make oracles` runs this",
    "tests/unit/test_tensorflow_files.py::test_without_tensorflow_there_is_one_sentence_with_the_command": (
        "TensorFlow is installed"
    ),
}

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test skipped, by itself or a fixture."""
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file skipped as a whole."""
    return _judged((yield))


def _judged(report: Report) -> Report:
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        test = report.nodeid.partition("[")[0]
        why = LISTED.get(test) or LISTED.get(test.partition("::")[0])
        if why is None or not reason.startswith(why):
            report.outcome = "failed"
            report.longrepr = f"skipped in CI, and not listed in tests/skips.py: {reason}"
    return report
