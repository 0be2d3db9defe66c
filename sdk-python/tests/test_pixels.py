"""Pixels: the same from both engines and any number of workers, and torchvision's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zenith
from conftest import MEAN, STD, Photos, arrays, cut, epoch, evaluation, training
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms import v2

MEAN_DIFFERENCE = 2 / 255
"""How far an image may be from torchvision's on average, for values from 0 to 1."""

Steps = Callable[[zenith.Pipeline], zenith.Pipeline]

OPERATORS: dict[str, Steps] = {
    "jpeg": lambda start: start.decode("zenith:jpeg").map("zenith:resize", size=[40, 56]),
    "png": lambda start: start.decode("zenith:png").map("zenith:resize", size=[40, 56]),
    "auto decoder": lambda start: start.decode().map("zenith:resize", size=[40, 56]),
    "resize": lambda start: start.decode().map(
        "zenith:resize", size=[31, 47], interpolation="bicubic"
    ),
    "resize up": lambda start: start.decode().map("zenith:resize", size=[400, 500]),
    "center-crop": lambda start: start.decode().map("zenith:center-crop", size=[90, 120]),
    "center-crop beyond the image": lambda start: start.decode().map(
        "zenith:center-crop", size=[310, 310]
    ),
    "random-resized-crop": lambda start: start.decode().map("zenith:random-resized-crop", size=64),
    "random-crop": lambda start: start.decode().map(
        "zenith:random-crop", size=[80, 100], pad_if_needed=True
    ),
    "horizontal-flip": lambda start: (
        start.decode().map("zenith:center-crop", size=90).map("zenith:horizontal-flip", p=0.5)
    ),
    "color-jitter": lambda start: (
        start.decode()
        .map("zenith:center-crop", size=90)
        .map("zenith:color-jitter", brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
    ),
    "normalize": lambda start: (
        start.decode()
        .map("zenith:center-crop", size=90)
        .map("zenith:normalize", mean=MEAN, std=STD)
    ),
    "normalize hwc": lambda start: (
        start.decode()
        .map("zenith:center-crop", size=90)
        .map("zenith:normalize", mean=0.5, std=0.5, layout="hwc")
    ),
    "to-float": lambda start: (
        start.decode().map("zenith:center-crop", size=90).map("zenith:to-float")
    ),
    "sequential": lambda start: (
        start.sample("zenith:sequential").decode().map("zenith:center-crop", size=90)
    ),
    "shuffle": lambda start: (
        start.sample("zenith:shuffle", seed=7).decode().map("zenith:center-crop", size=90)
    ),
    "weighted": lambda start: (
        start.sample("zenith:weighted", weights=list(range(1, 25)), seed=3)
        .decode()
        .map("zenith:center-crop", size=90)
    ),
}


def assert_same(ours: tuple[np.ndarray, ...], theirs: tuple[np.ndarray, ...]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", OPERATORS)
def test_webassembly_and_twin_give_the_same_bytes(photos: Photos, pngs: Photos, name: str) -> None:
    folder = pngs.folder if name == "png" else photos.folder
    pipeline = OPERATORS[name](zenith.read_images(folder)).batch(8)
    assert_same(epoch(pipeline, engine="wasm", seed=5), epoch(pipeline, engine="native", seed=5))


def test_every_shipped_plugin_is_compared_with_its_twin() -> None:
    shipped = Path(zenith.__file__).parent / "registry" / "zenith"
    assert {folder.name for folder in shipped.iterdir()} <= set(OPERATORS)


def test_pngs_are_pillows(pngs: Photos) -> None:
    images = arrays(zenith.DataLoader(zenith.read_images(pngs.folder).decode("zenith:png")))
    for (image, _), path in zip(images, pngs.files, strict=True):
        with Image.open(path) as reference:
            np.testing.assert_array_equal(image[0], np.asarray(reference))


def test_a_folder_of_jpeg_and_png_is_decoded_by_content(tmp_path: Path) -> None:
    folder = tmp_path / "train" / "cat"
    folder.mkdir(parents=True)
    image = cut("skimage:chelsea", 1, (120, 90))
    image.save(folder / "0.png")
    image.save(folder / "1.jpg", quality=95)
    images, _ = epoch(zenith.read_images(folder.parent).decode().batch(2))
    np.testing.assert_array_equal(images[0], np.asarray(image))
    assert np.abs(images[1].astype(int) - np.asarray(image)).mean() < 3


@pytest.mark.parametrize("engine", ["auto", "wasm"])
def test_pixels_do_not_depend_on_workers(photos: Photos, engine: str) -> None:
    runs = [
        epoch(training(photos.folder), num_workers=workers, engine=engine, seed=9)
        for workers in (0, 1, 2, 4)
    ]
    for run in runs[1:]:
        assert_same(run, runs[0])


def test_pixels_do_not_depend_on_window_push_down(photos: Photos) -> None:
    pipeline = training(photos.folder)
    assert_same(epoch(pipeline), epoch(pipeline, window_push_down=False))


def test_pixels_do_not_depend_on_how_files_are_read(photos: Photos) -> None:
    def read(io: Any) -> tuple[np.ndarray, ...]:
        start = zenith.read_images(photos.folder, io=io)
        return epoch(start.decode().map("zenith:resize", size=[40, 56]).batch(8), num_workers=2)

    for io in ("threads", "blocking"):
        assert_same(read(io), read("auto"))


def test_seed_and_epoch_decide_what_is_random(photos: Photos) -> None:
    pipeline = training(photos.folder)
    first, same, other = (epoch(pipeline, seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    loader = zenith.DataLoader(pipeline, seed=1)
    images = [np.concatenate([batch[0] for batch in arrays(loader)]) for _ in range(2)]
    np.testing.assert_array_equal(images[0], first)
    assert not np.array_equal(images[1], first)


def decoded(path: Path) -> torch.Tensor:
    return decode_jpeg(read_file(str(path)), mode=ImageReadMode.RGB)


def assert_near(ours: np.ndarray, theirs: torch.Tensor, scale: float = 1.0) -> None:
    """Both channels first, and `scale` times values from 0 to 1."""
    difference = np.abs(ours.astype(np.float64) - theirs.numpy().astype(np.float64))
    assert difference.mean() <= MEAN_DIFFERENCE * scale


def test_evaluation_is_torchvisions(photos: Photos) -> None:
    reference = v2.Compose(
        [
            v2.Resize(112, antialias=True),
            v2.CenterCrop(96),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    images, _ = epoch(evaluation(photos.folder))
    for ours, path in zip(images, photos.files, strict=True):
        # Normalising stretches differences by the inverse of the deviation.
        assert_near(ours, reference(decoded(path)), scale=1 / max(STD))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_resize_is_torchvisions(photos: Photos, interpolation: str) -> None:
    pipeline = zenith.read_images(photos.folder).decode("zenith:jpeg")
    images, _ = epoch(pipeline.map("zenith:resize", size=[72, 100], interpolation=interpolation))
    reference = v2.Resize([72, 100], v2.InterpolationMode(interpolation), antialias=True)
    for ours, path in zip(images, photos.files, strict=True):
        assert_near(ours.transpose(2, 0, 1), reference(decoded(path)), scale=255)


def windows(photos: Photos, folder: Path, seed: int) -> list[tuple[int, int, int, int]]:
    """The windows (top, left, height, width) that random-resized-crop draws for each sample.

    Each photograph is replaced by a picture of its size whose pixels tell their own place. Taken up
    to a larger size without interpolation, every pixel of the window appears.
    """
    for path in photos.files:
        with Image.open(path) as image:
            width, height = image.size
        places = np.zeros((height, width, 3), np.uint8)
        places[..., 0], places[..., 1] = np.arange(width) % 256, np.arange(height)[:, None] % 256
        places[..., 2] = np.arange(width) // 256 * 16 + np.arange(height)[:, None] // 256
        target = folder / path.parent.name / f"{path.stem}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(places).save(target)
    pipeline = zenith.read_images(folder).decode("zenith:png")
    pipeline = pipeline.map("zenith:random-resized-crop", size=512, interpolation="nearest")
    found = []
    for (image,) in epoch(pipeline.batch(1), seed=seed)[0][:, None].astype(int):
        x, y = image[..., 0] + image[..., 2] // 16 * 256, image[..., 1] + image[..., 2] % 16 * 256
        found.append((y.min(), x.min(), np.ptp(y) + 1, np.ptp(x) + 1))
    return found


def test_random_resized_crop_is_torchvisions_of_the_same_windows(
    photos: Photos, tmp_path: Path
) -> None:
    drawn = windows(photos, tmp_path / "places", seed=11)
    assert len({(height, width) for _, _, height, width in drawn}) > len(photos) // 2
    pipeline = zenith.read_images(photos.folder).decode("zenith:jpeg")
    images, _ = epoch(pipeline.map("zenith:random-resized-crop", size=64), seed=11)
    for ours, path, window in zip(images, photos.files, drawn, strict=True):
        top, left, height, width = map(int, window)
        theirs = v2.functional.resized_crop(
            decoded(path), top, left, height, width, [64, 64], antialias=True
        )
        assert_near(ours.transpose(2, 0, 1), theirs, scale=255)


def test_windows_are_drawn_within_scale_and_ratio(photos: Photos, tmp_path: Path) -> None:
    for (_, _, height, width), path in zip(
        windows(photos, tmp_path / "places", seed=12), photos.files, strict=True
    ):
        with Image.open(path) as image:
            area = image.width * image.height
        assert 0.07 <= width * height / area <= 1
        assert 0.72 <= width / height <= 1.38


def test_a_flip_mirrors_about_half_of_the_samples(photos: Photos) -> None:
    start = zenith.read_images(photos.folder).decode().map("zenith:center-crop", size=90)
    plain, _ = epoch(start)
    flipped, _ = epoch(start.map("zenith:horizontal-flip"), seed=4)
    mirrored = 0
    for before, after in zip(plain, flipped, strict=True):
        if not np.array_equal(before, after):
            np.testing.assert_array_equal(before[:, ::-1], after)
            mirrored += 1
    assert 4 <= mirrored <= 20


def test_fast_fidelity_is_near_the_exact_pixels(photos: Photos) -> None:
    exact, fast = (
        epoch(training(photos.folder), fidelity=fidelity)[0] for fidelity in ("exact", "fast")
    )
    assert np.abs(exact - fast).mean() <= 3 / 255 / min(STD)
