"""What the package's tests share: photographs, pipelines, and processes of their own.

Every photograph is cut from one of scikit-image's or scikit-learn's. Nothing here asserts.
"""

from __future__ import annotations

import functools
import os
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zenith
from PIL import Image

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

CLASSES = {"cat": "skimage:chelsea", "coffee": "skimage:coffee", "temple": "sklearn:china.jpg"}
PER_CLASS = 8

ENCODINGS: list[dict[str, Any]] = [
    {"quality": 90},
    {"quality": 75, "subsampling": "4:4:4"},
    {"quality": 80, "subsampling": "4:2:2"},
    {"quality": 85, "progressive": True},
]


@dataclass(frozen=True)
class Photos:
    """A folder of class folders, and what is in it, in `ImageFolder`'s order."""

    folder: Path
    files: list[Path]
    labels: list[int]

    @property
    def keys(self) -> list[str]:
        """What people call the samples."""
        return [str(path.relative_to(self.folder)) for path in self.files]

    def __len__(self) -> int:
        return len(self.files)


@functools.cache
def photograph(name: str) -> Image.Image:
    """One of the bundled photographs, as `skimage:chelsea` or `sklearn:china.jpg`."""
    package, image = name.split(":")
    if package == "skimage":
        import skimage.data

        return Image.fromarray(getattr(skimage.data, image)())
    import sklearn.datasets

    return Image.fromarray(sklearn.datasets.load_sample_image(image))


def cut(name: str, seed: int, size: tuple[int, int] | None = None) -> Image.Image:
    """A part of a photograph, of a size near 240×180 where none is given."""
    image, rng = photograph(name), random.Random(f"{name}{seed}")
    width, height = size or (rng.randint(180, 300), rng.randint(140, 240))
    x, y = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return image.crop((x, y, x + width, y + height))


def write_photos(folder: Path, per_class: int = PER_CLASS, suffix: str = "jpg") -> Photos:
    """Writes `per_class` files of each class, of many sizes and, as JPEG, many encodings."""
    files, labels = [], []
    for label, (name, source) in enumerate(CLASSES.items()):
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            path = folder / name / f"{number:03}.{suffix}"
            encoding = ENCODINGS[number % len(ENCODINGS)] if suffix == "jpg" else {}
            cut(source, number).save(path, **encoding)
            files.append(path)
            labels.append(label)
    return Photos(folder, files, labels)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    """24 photographs in 3 classes. Not to be changed: see `own_photos`."""
    return write_photos(tmp_path_factory.mktemp("photos") / "train")


@pytest.fixture(scope="session")
def pngs(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    """The same as PNG files, a few of each class. Not to be changed."""
    return write_photos(tmp_path_factory.mktemp("pngs") / "train", per_class=2, suffix="png")


@pytest.fixture
def own_photos(tmp_path: Path) -> Photos:
    """A small folder of the test's own, to damage."""
    return write_photos(tmp_path / "train", per_class=4)


@pytest.fixture(autouse=True)
def _own_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Nothing of the user's, and no file in the working folder, counts in tests, and a plugin that
    a test uses first was not used before."""
    project = tmp_path_factory.mktemp("project")
    monkeypatch.setenv("XDG_DATA_HOME", str(project / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(project / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(project / "state"))
    monkeypatch.chdir(project)
    yield


def evaluation(folder: Path, size: int = 96, batch: int = 8) -> zenith.Pipeline:
    """What is done to photographs at evaluation: nothing random, in the order of the folder."""
    return (
        zenith.read_images(folder)
        .decode("zenith:jpeg")
        .map("zenith:resize", size=size + 16)
        .map("zenith:center-crop", size=size)
        .map("zenith:normalize", mean=MEAN, std=STD)
        .batch(batch)
    )


def training(folder: Path, size: int = 64, batch: int = 8, **sampler: Any) -> zenith.Pipeline:
    """What is done to photographs at training: shuffled, cropped, flipped, normalised."""
    return (
        zenith.read_images(folder)
        .sample("zenith:shuffle", **sampler)
        .decode("zenith:jpeg")
        .map("zenith:random-resized-crop", size=size)
        .map("zenith:horizontal-flip", p=0.5)
        .map("zenith:normalize", mean=MEAN, std=STD)
        .batch(batch)
    )


def copied(batch: tuple[Any, ...]) -> tuple[np.ndarray, ...]:
    """A batch of torch or numpy, as arrays of one's own."""
    return tuple(np.from_dlpack(tensor).copy() for tensor in batch)


def arrays(loader: zenith.DataLoader, limit: int | None = None) -> list[tuple[np.ndarray, ...]]:
    """The batches of one epoch, or the first few, copied."""
    batches = []
    iterator = iter(loader)
    while limit is None or len(batches) < limit:
        batch = next(iterator, None)
        if batch is None:
            break
        batches.append(copied(batch))
    return batches


def joined(batches: list[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    """The fields of several batches, one after the other."""
    return tuple(np.concatenate(field) for field in zip(*batches, strict=True))


def epoch(pipeline: zenith.Pipeline, **options: Any) -> tuple[np.ndarray, ...]:
    """The fields of the first epoch of a new loader, without borders between batches."""
    return joined(arrays(zenith.DataLoader(pipeline, **{"seed": 0, **options})))


Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Runs Python code in a process of its own, which sees this file's helpers."""

    def run(code: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(code))
        folders = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        result = subprocess.run(
            [sys.executable, str(path), *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, folders))},
            capture_output=True,
            text=True,
            timeout=300,
        )
        if check and result.returncode:
            raise AssertionError(f"the script ended with {result.returncode}:\n{result.stderr}")
        return result

    return run
