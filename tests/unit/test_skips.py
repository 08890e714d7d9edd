"""A test that is skipped in CI fails, unless it may be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT
from tests.skips import LISTED

FILE, _, NAME = "tests/integration/test_blob_outages.py::test_a_folder_that_is_not_ours".partition("::")
FILES = {
    "test_itself.py": "import pytest\ndef test_any(): pytest.skip('root may read and write')\n",
    "test_fixture.py": "import pytest\n@pytest.fixture\ndef f(): pytest.skip('no')\ndef test_any(f): pass\n",
    "test_whole.py": "import pytest\npytest.importorskip('nothing_of_this_name')\n",
    "test_expected.py": "import pytest\n@pytest.mark.xfail\ndef test_any(): assert False\n",
    FILE: f"import pytest\ndef {NAME}(): pytest.skip('root may read and write')\n",
    f"more/{FILE}": f"import pytest\ndef {NAME}(): pytest.skip('root may read and write')\n",
    "tests/integration/test_database.py": "import pytest\n"
    "def test_a_server_that_went_without_a_word_is_given_up(): pytest.skip('another reason')\n",
}


def failed(folder: Path, ci: str, *words: str) -> set[str]:
    """The files that pytest says have failed."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider", "--import-mode=importlib"]
    environment = os.environ | {"CI": ci, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--rootdir", folder, *words, folder],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1, 2), done.stdout + done.stderr
    return {
        line.split()[1].partition("::")[0] for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR "))
    }


def test_a_skip_fails_in_ci_and_only_there(tmp_path: Path) -> None:
    """However it is skipped, and in whichever process, unless the list has it for that reason."""
    for name, body in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(body)
    unlisted = set(FILES) - {"test_expected.py", FILE}
    assert failed(tmp_path, "true", "--continue-on-collection-errors") == unlisted
    assert failed(tmp_path, "true", "-n1", "--ignore", "test_whole.py") == unlisted - {"test_whole.py"}
    assert failed(tmp_path, "") == set()


@pytest.mark.parametrize("test", LISTED)
def test_what_is_listed_is_there(test: str) -> None:
    """No entry outlives its test."""
    path, _, name = test.partition("::")
    skipped = (f"def {name}(",) if name else ("pytestmark = pytest.mark.skipif", "pytest.importorskip(")
    assert any(words in (ROOT / path).read_text() for words in skipped)
