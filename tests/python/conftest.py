"""What system tests share: the checkout, a tiny dataset, and a home of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `photos/train` and `shards/000.tar` … `shards/009.tar`, made once."""
    folder = tmp_path_factory.mktemp("dataset")
    maker = [sys.executable, str(ROOT / "scripts" / "make_photos.py"), "--count", "80"]
    subprocess.run([*maker, "--out", str(folder / "photos" / "train")], check=True)
    subprocess.run([*maker, "--webdataset", "--out", str(folder / "shards")], check=True)
    return folder


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables for child processes: the environment's commands, and a home of their own."""
    home = tmp_path_factory.mktemp("home")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {f"XDG_{kind.upper()}_HOME": str(home / kind) for kind in ("data", "config", "state")}
    return {**os.environ, "PATH": path, **own}
