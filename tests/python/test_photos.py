"""The dataset maker: what it writes is what the tests and benches take it for."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from PIL import Image

CLASSES = 10


def make(root: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    maker = root / "scripts" / "make_photos.py"
    command = [sys.executable, str(maker), "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_folder_holds_ten_classes_of_baseline_photographs(photos: Path) -> None:
    folders = sorted(path for path in (photos / "photos" / "train").iterdir() if path.is_dir())
    assert len(folders) == CLASSES
    files = [file for folder in folders for file in folder.iterdir()]
    assert len(files) == 80
    for file in files:
        with Image.open(file) as image:
            assert image.format == "JPEG"
            assert image.mode == "RGB"
            assert "progressive" not in image.info
            assert max(image.size) == 500
            assert min(image.size) >= 333
    mean = sum(file.stat().st_size for file in files) / len(files)
    assert 75_000 < mean < 125_000


def test_shards_hold_the_same_pictures_as_the_folder(photos: Path) -> None:
    members: dict[str, bytes] = {}
    for number in range(10):
        with tarfile.open(photos / "shards" / f"{number:03}.tar") as shard:
            for member in shard:
                file = shard.extractfile(member)
                assert file is not None
                members[member.name] = file.read()
    classes = sorted(path.name for path in (photos / "photos" / "train").iterdir() if path.is_dir())
    for index in range(80):
        label = int(members[f"{index:06}.cls"])
        file = photos / "photos" / "train" / classes[label] / f"{index:06}.jpg"
        assert file.read_bytes() == members[f"{index:06}.jpg"]


def test_pictures_do_not_depend_on_the_number_of_processes(root: Path, tmp_path: Path) -> None:
    for processes in ("1", "2"):
        make(root, tmp_path / processes, "--count", "4", "--processes", processes)
    one, two = (sorted((tmp_path / name).rglob("*.jpg")) for name in ("1", "2"))
    assert len(one) == 4
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


def test_another_seed_gives_other_pictures(root: Path, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        make(root, tmp_path / seed, "--count", "2", "--seed", seed, "--processes", "1")
    one, two = (sorted((tmp_path / name).rglob("*.jpg")) for name in ("1", "2"))
    assert [file.read_bytes() for file in one] != [file.read_bytes() for file in two]


def test_asking_again_changes_nothing(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "photos"
    make(root, out, "--count", "2", "--processes", "1")
    before = {file: file.stat().st_mtime_ns for file in out.rglob("*.jpg")}
    again = make(root, out, "--count", "2", "--processes", "1")
    assert "already" in again.stdout
    assert before == {file: file.stat().st_mtime_ns for file in out.rglob("*.jpg")}


def test_a_folder_that_it_did_not_make_is_left_alone(root: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    refused = make(root, mine, "--count", "2")
    assert refused.returncode != 0
    assert "was not made by this script" in refused.stderr
    assert (mine / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("option", ["--count", "--shards", "--processes"])
def test_none_of_something_is_refused(root: Path, tmp_path: Path, option: str) -> None:
    refused = make(root, tmp_path / "out", option, "0")
    assert refused.returncode == 2
    assert "must be at least 1" in refused.stderr
