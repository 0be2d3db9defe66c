"""Writes down what torchvision answers, for the Rust tests of the geometric plugins to compare with.

    python plugins/imaging/tests/generate.py                 # the committed golden files
    python plugins/imaging/tests/generate.py --cases 2000 --out FOLDER
                                                             # a longer run: ZENITH_GOLDEN=FOLDER cargo test

The photograph is scikit-image's `coffee`. It needs torch, torchvision and scikit-image.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import skimage.data
import torch
import torchvision
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

HERE = Path(__file__).resolve().parent
PLUGINS = HERE.parent.parent

# (window width, window height), (new height, new width): what is easy to get wrong.
CORNERS = [
    ((1, 1), (1, 1)),
    ((1, 1), (5, 7)),
    ((5, 7), (1, 1)),
    ((2, 3), (9, 1)),
    ((1, 60), (30, 4)),
    ((60, 1), (3, 31)),
    ((200, 2), (1, 3)),
    ((3, 160), (2, 5)),
    ((17, 19), (17, 5)),
    ((17, 19), (40, 19)),
    ((33, 21), (21, 16)),
    ((100, 80), (50, 40)),
    ((64, 64), (63, 65)),
]
MODES = [("bilinear", True), ("bicubic", True), ("bilinear", False), ("bicubic", False), ("nearest", True),
         ("nearest-exact", True)]


def photograph(width: int, height: int) -> np.ndarray:
    image = skimage.data.coffee()[40 : 40 + height, 100 : 100 + width]
    return np.ascontiguousarray(image)


def with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """The first channels; a fourth is the negative of the first. The Rust test does the same."""
    four = np.concatenate([image, 255 - image[:, :, :1]], axis=2)
    return np.ascontiguousarray(four[:, :, :channels])


def resize(image: np.ndarray, size: list[int], interpolation: str, antialias: bool) -> np.ndarray:
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    result = F.resize(tensor, size, interpolation=v2.InterpolationMode(interpolation), antialias=antialias)
    return result.permute(1, 2, 0).contiguous().numpy()


def write_resizes(folder: Path, image: np.ndarray, count: int, largest: int) -> None:
    height, width = image.shape[:2]
    draw = random.Random(7)
    cases, blob = [], bytearray()

    def add(window: tuple[int, int], size: tuple[int, int], mode: tuple[str, bool], channels: int, dtype: str) -> None:
        w, h = window
        x, y = draw.randint(0, width - w), draw.randint(0, height - h)
        part = with_channels(image[y : y + h, x : x + w], channels)
        if dtype == "float32":
            part = part.astype(np.float32) / np.float32(255)
        result = resize(part, list(size), *mode)
        assert result.shape == (*size, channels) and result.dtype == np.dtype(dtype)
        cases.append({
            "x": x, "y": y, "width": w, "height": h, "channels": channels, "dtype": dtype,
            "size": list(size), "interpolation": mode[0], "antialias": mode[1], "offset": len(blob),
        })
        blob.extend(result.tobytes())

    for number, (window, size) in enumerate(CORNERS):
        for channels in (1, 2, 3, 4):
            add(window, size, MODES[(number + channels) % len(MODES)], channels, "uint8")
        add(window, size, MODES[0], 3, "uint8")
        add(window, size, MODES[number % 4], 3, "float32")
    for _ in range(count):
        window = draw.randint(1, width), draw.randint(1, height)
        size = draw.randint(1, largest), draw.randint(1, largest)
        mode = draw.choice(MODES[:2] * 3 + MODES)
        add(window, size, mode, draw.choice((1, 2, 3, 3, 3, 4)), "uint8" if draw.random() < 0.9 else "float32")
    add((width, height), (96, 112), MODES[0], 3, "uint8")

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "photograph.bin").write_bytes(image.tobytes())
    (folder / "resized.bin").write_bytes(blob)
    lines = ",\n".join(json.dumps(case) for case in cases)
    (folder / "cases.json").write_text(
        f'{{"torch": "{torch.__version__.split("+")[0]}", "torchvision": "{torchvision.__version__.split("+")[0]}",\n'
        f'"width": {width}, "height": {height}, "cases": [\n{lines}\n]}}\n'
    )


def write_sizes(path: Path) -> None:
    """Output sizes of `Resize` for a single number, with and without `max_size`."""
    draw = random.Random(3)
    cases = []
    for _ in range(300):
        width, height = draw.randint(1, 700), draw.randint(1, 700)
        size = draw.randint(1, 500)
        max_size = draw.choice([None, None, size + draw.randint(1, 300)])
        if draw.random() < 0.1:
            size, max_size = None, draw.randint(1, 500)
        try:
            new = F._geometry._compute_resized_output_size((height, width), size=size, max_size=max_size)
        except ZeroDivisionError:
            continue
        cases.append([height, width, size, max_size, *new])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")


def write_crops(path: Path) -> None:
    """Centre crops of images whose pixels are numbered, padding included."""
    cases = []
    for height, width, size in [(5, 7, [3, 3]), (5, 8, [2, 3]), (4, 4, [4, 4]), (3, 3, [6, 5]), (2, 9, [5, 4]),
                                (9, 2, [4, 5]), (1, 1, [3, 2]), (6, 5, [3, 2]), (7, 9, [4, 6]), (10, 3, [7, 8])]:
        image = torch.arange(1, height * width + 1, dtype=torch.uint8).reshape(1, height, width)
        result = F.center_crop(image, size)
        cases.append({"height": height, "width": width, "size": size, "pixels": result.flatten().tolist()})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")


def write_distribution(path: Path, draws: int) -> None:
    """Statistics of the windows that torchvision's `RandomResizedCrop` draws."""
    torch.manual_seed(11)
    cases = []
    for height, width, scale, ratio in [
        (375, 500, [0.08, 1.0], [3 / 4, 4 / 3]),
        (500, 375, [0.3, 0.6], [0.5, 2.0]),
        (100, 1000, [0.08, 1.0], [3 / 4, 4 / 3]),
        (64, 64, [0.5, 0.5], [1.0, 1.0]),
        (1000, 40, [0.9, 1.0], [3 / 4, 4 / 3]),
    ]:
        transform = v2.RandomResizedCrop(224, scale=scale, ratio=ratio)
        image = [torch.empty(3, height, width)]
        rows = []
        for _ in range(draws):
            p = transform.make_params(image)
            rows.append((p["top"], p["left"], p["height"], p["width"]))
        top, left, h, w = np.array(rows, dtype=np.float64).T
        # Where a window may lie, as a fraction of the room that it has; windows without room aside.
        across, down = width - w, height - h
        features = {
            "area": h * w / (height * width),
            "log_ratio": np.log(w / h),
            "x": left[across > 0] / across[across > 0],
            "y": top[down > 0] / down[down > 0],
        }
        cases.append({
            "height": height, "width": width, "scale": scale, "ratio": ratio,
            "features": {
                name: {"mean": float(v.mean()), "deviation": float(v.std()), "count": len(v),
                       "quantiles": [float(q) for q in np.quantile(v, [0.05, 0.25, 0.5, 0.75, 0.95])]}
                for name, v in features.items() if len(v)
            },
        })
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, help="resizes of random sizes, instead of the committed ones")
    parser.add_argument("--out", type=Path, help="where to write those")
    arguments = parser.parse_args()
    if arguments.cases:
        write_resizes(arguments.out, photograph(500, 350), arguments.cases, 300)
        return
    write_resizes(HERE / "golden", photograph(220, 180), 50, 52)
    write_sizes(PLUGINS / "resize/tests/sizes.json")
    write_crops(PLUGINS / "center-crop/tests/crops.json")
    write_distribution(PLUGINS / "random-resized-crop/tests/distribution.json", 20_000)


if __name__ == "__main__":
    main()
