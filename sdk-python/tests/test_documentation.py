"""What the documentation says is true: its examples run, and the stub is the module."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import zenith
import zenith._options
import zenith._pipeline
import zenith.errors
from conftest import Photos, write_photos

PACKAGE = Path(zenith.__file__).parent


@pytest.mark.parametrize("module", [zenith._options, zenith._pipeline])
def test_examples_in_docstrings_give_what_they_show(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    "text",
    [zenith.__doc__, (Path(__file__).parents[1] / "README.md").read_text()],
    ids=["zenith.__doc__", "README"],
)
def test_code_blocks_run(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_photos(tmp_path / "photos" / "train")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, {})


def test_every_exception_is_in_the_table_with_its_built_in_base() -> None:
    assert zenith.errors.__doc__ is not None
    for name in zenith.errors.__all__:
        kind = getattr(zenith.errors, name)
        assert getattr(zenith, name) is kind
        assert issubclass(kind, zenith.ZenithError)
        if kind is not zenith.ZenithError:
            base = kind.__bases__[1].__name__
            assert f"| `{name}` | `{base}` |" in zenith.errors.__doc__


def test_exceptions_survive_a_process_boundary() -> None:
    import pickle

    error = zenith.SampleError("it failed", hint="do so", key="a/b.jpg", index=7)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.hint, copy.key, copy.index) == (
        "it failed\nhint: do so",
        "do so",
        "a/b.jpg",
        7,
    )
    for name in zenith.errors.__all__:
        assert str(getattr(zenith, name)("why", hint="how")) == "why\nhint: how"


def test_the_stub_is_the_module(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    check = [sys.executable, "-m", "mypy.stubtest", "zenith._native"]
    result = subprocess.run(check, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_package_is_typed_strictly(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    check = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "-p", "zenith"]
    result = subprocess.run(check, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    assert (PACKAGE / "py.typed").exists()


def test_the_interface_of_the_readme_is_documented(photos: Photos) -> None:
    for name in zenith.__all__:
        assert getattr(zenith, name).__doc__, name
    for kind in (zenith.Pipeline, zenith.DataLoader):
        for name, member in vars(kind).items():
            if callable(member) and not name.startswith("_"):
                assert member.__doc__, name
