#!/usr/bin/env python3
"""Makes a dataset of photographs in ten classes, the size of ImageNet's, without a network.

Every picture is a crop of one of ten real photographs that come with scikit-image and
scikit-learn, and its class is the photograph that it was cut from: easy enough for a small network
to learn within an epoch, and as costly to decode as the photographs people train on (about
500 × 400 pixels and 100 KB of baseline JPEG). It is a dataset to measure and to learn with, not to
judge a model by.

The result depends on `--seed` and `--count` only: not on the number of processes.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import io
import json
import multiprocessing
import os
import random
import shutil
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image
from tqdm import tqdm

# Class, the package whose data holds the photograph, and its path inside that package.
SOURCES: dict[str, tuple[str, str]] = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "cat": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "galaxies": ("skimage", "data/hubble_deep_field.jpg"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "temple": ("sklearn", "datasets/images/china.jpg"),
    "tissue": ("skimage", "data/ihc.png"),
    "tulip": ("sklearn", "datasets/images/flower.jpg"),
}
CLASSES = sorted(SOURCES)

# Width and height, and how often each occurs: most of ImageNet is 500 pixels on its longer side.
SIZES = [((500, 375), 50), ((500, 333), 20), ((375, 500), 15), ((500, 400), 10), ((500, 500), 5)]

# The part of the photograph's area that a crop keeps.
SMALLEST_CROP = 0.35

# Bytes that an encoded picture may have, drawn from a normal distribution. Many stay below it even
# at the best quality, so that their mean is near ImageNet's 110 KB.
MEAN_BYTES, SPREAD_BYTES = 135_000, 30_000
QUALITIES = range(60, 99)

MARKER = ".photos.json"


@dataclass(frozen=True)
class Request:
    """What was asked for. Kept beside the pictures, so that asking again costs nothing."""

    count: int
    seed: int
    webdataset: bool
    shards: int
    format: int = 1


@functools.cache
def photograph(name: str) -> Image.Image:
    """The photograph that class `name` is cut from, as RGB."""
    package, path = SOURCES[name]
    module = importlib.import_module(package)
    with Image.open(Path(module.__path__[0]) / path) as image:
        return image.convert("RGB")


def crop(image: Image.Image, size: tuple[int, int], rng: random.Random) -> Image.Image:
    """A random part of `image` with the proportions of `size`, resampled to `size`."""
    width, height = size
    largest = min(image.width / width, image.height / height)
    scale = largest * rng.uniform(SMALLEST_CROP, 1.0) ** 0.5
    across, down = width * scale, height * scale
    left, top = rng.uniform(0, image.width - across), rng.uniform(0, image.height - down)
    return image.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + across, top + down))


def encode(image: Image.Image, target: float) -> bytes:
    """`image` as baseline JPEG with 4:2:0 chroma, of the best quality not above `target` bytes."""
    low, high = QUALITIES.start, QUALITIES.stop - 1
    best = b""
    while low <= high:
        quality = (low + high) // 2
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
        if buffer.tell() <= target:
            best, low = buffer.getvalue(), quality + 1
        else:
            best, high = best or buffer.getvalue(), quality - 1
    return best


def picture(index: int, seed: int) -> tuple[int, int, bytes]:
    """Picture `index` of the dataset: its index, its label, and its JPEG bytes."""
    rng = random.Random(f"{seed}/{index}")
    label = index % len(CLASSES)
    sizes, weights = zip(*SIZES, strict=True)
    size = rng.choices(sizes, weights)[0]
    target = max(30_000.0, rng.gauss(MEAN_BYTES, SPREAD_BYTES))
    return index, label, encode(crop(photograph(CLASSES[label]), size, rng), target)


def pictures(request: Request, processes: int) -> Iterator[tuple[int, int, bytes]]:
    """All pictures in the order of their index, made by `processes` processes."""
    make = functools.partial(picture, seed=request.seed)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        made = pool.imap(make, range(request.count), chunksize=8)
        yield from tqdm(made, desc="photographs", total=request.count, unit="img", ascii=" #")


def write_folder(request: Request, out: Path, processes: int) -> int:
    """Writes `out/<class>/<index>.jpg`, as torchvision's `ImageFolder` reads it; answers bytes."""
    for name in CLASSES:
        (out / name).mkdir()
    written = 0
    for index, label, data in pictures(request, processes):
        (out / CLASSES[label] / f"{index:06}.jpg").write_bytes(data)
        written += len(data)
    return written


def write_shards(request: Request, out: Path, processes: int) -> int:
    """Writes `out/000.tar`, … with members `<key>.jpg` and `<key>.cls`; answers bytes."""
    written = 0
    with contextlib.ExitStack() as stack:
        paths = (out / f"{shard:03}.tar" for shard in range(request.shards))
        shards = [stack.enter_context(tarfile.open(path, "w")) for path in paths]
        for index, label, data in pictures(request, processes):
            shard = shards[index * request.shards // request.count]
            for suffix, content in (("jpg", data), ("cls", str(label).encode())):
                member = tarfile.TarInfo(f"{index:06}.{suffix}")
                member.size = len(content)
                shard.addfile(member, io.BytesIO(content))
            written += len(data)
    return written


def make(request: Request, out: Path, processes: int) -> str:
    """Makes the dataset in a new folder beside `out`, then moves it into place."""
    marker = out / MARKER
    if marker.is_file() and json.loads(marker.read_text()) == asdict(request):
        return f"{out} already holds these photographs"
    if out.exists() and not marker.is_file() and any(out.iterdir()):
        sys.exit(
            f"error: `{out}` exists and was not made by this script, so it is left alone\n"
            "hint: give --out a new folder"
        )
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    written = (write_shards if request.webdataset else write_folder)(request, part, processes)
    (part / MARKER).write_text(json.dumps(asdict(request)))
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    mean = written / request.count / 1000
    return f"{request.count} photographs, {len(CLASSES)} classes, {mean:.0f} KB each, in {out}"


def main() -> None:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, required=True, help="the folder to make")
    parser.add_argument("--count", type=int, default=2000, help="photographs (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other crops")
    parser.add_argument("--webdataset", action="store_true", help="write tar shards")
    parser.add_argument("--shards", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    if given.count < 1 or given.shards < 1 or given.processes < 1:
        parser.error("--count, --shards and --processes must be at least 1")
    request = Request(given.count, given.seed, given.webdataset, given.shards)
    print(make(request, given.out, given.processes))


if __name__ == "__main__":
    main()
