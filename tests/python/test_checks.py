"""The scripts that decide whether CI passes: a check that cannot fail would be worse than none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CARGO_LOG = """
test one ... ok
test needs_a_gpu ... ignored, there is no GPU on this machine
skipped: io_uring: the kernel refuses it
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
"""
PYTEST_LOG = """
..s
=========================== short test summary info ============================
SKIPPED [1] sdk-python/tests/test_gpu.py:5: CUDA is not available
2 failed, 40 passed, 1 skipped in 12.00s
"""


def shell(root: Path, script: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-c", f"source {root}/scripts/lib.sh\n{script}"]
    return subprocess.run(command, capture_output=True, text=True)


def test_totals_add_up_both_languages_and_give_every_reason(root: Path, tmp_path: Path) -> None:
    logs = [tmp_path / "rust.log", tmp_path / "python.log"]
    logs[0].write_text(CARGO_LOG)
    logs[1].write_text(PYTEST_LOG)
    script = str(root / "scripts" / "totals.py")
    command = [sys.executable, script, *map(str, logs), str(tmp_path / "missing.log")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == [
        "skipped: needs_a_gpu ... ignored, there is no GPU on this machine",
        "skipped: io_uring: the kernel refuses it",
        "skipped: [1] sdk-python/tests/test_gpu.py:5: CUDA is not available",
        "tests: 55 passed, 4 failed, 2 skipped or ignored",
    ]


def test_a_failing_check_is_told_with_its_log_and_remembered(root: Path) -> None:
    done = shell(
        root, 'f() { echo why; false; echo after; }; check "a bad one" f; echo ${FAILED[*]}'
    )
    assert "a bad one" in done.stdout
    assert "FAILED" in done.stdout
    assert "    why" in done.stdout
    assert "after" not in done.stdout
    assert done.stdout.endswith("a bad one\n")


def test_nothing_follows_a_failing_step(root: Path) -> None:
    done = shell(root, 'step "a bad one" false; echo onwards')
    assert done.returncode == 1
    assert "onwards" not in done.stdout


def test_nothing_follows_a_step_that_failed_beside_others(root: Path) -> None:
    done = shell(root, 'begin "beside" false; check "a good one" true; finish beside; echo onwards')
    assert done.returncode == 1
    assert "a good one" in done.stdout
    assert "onwards" not in done.stdout


@pytest.mark.parametrize("change", ["edit", "add", "remove"])
def test_a_fingerprint_follows_the_files(root: Path, tmp_path: Path, change: str) -> None:
    (tmp_path / "a.rs").write_text("one")
    (tmp_path / "b.rs").write_text("two")
    script = f"cd {tmp_path}; fingerprint ."
    before = shell(root, script).stdout
    assert shell(root, script).stdout == before
    match change:
        case "edit":
            (tmp_path / "a.rs").write_text("three")
        case "add":
            (tmp_path / "c.rs").write_text("")
        case "remove":
            (tmp_path / "b.rs").unlink()
    assert shell(root, script).stdout != before
