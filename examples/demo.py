#!/usr/bin/env python3
"""Trains a small convolutional network through WebAssembly plugins, then times the loader.

`make demo` makes the photographs and runs this. By hand: `python examples/demo.py PHOTOS`, where
`PHOTOS` is a folder with one folder of JPEG files for each class.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import zenith
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms
from tqdm import tqdm

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
BATCH, WORKERS = 64, 2


def pipeline(photos: Path) -> zenith.Pipeline:
    """What happens to a photograph on its way to the network. Each step is a plugin."""
    return (
        zenith.read_images(photos)
        .sample("zenith:shuffle", seed=42)
        .decode("zenith:jpeg")
        .map("zenith:random-resized-crop", size=224)
        .map("zenith:horizontal-flip", p=0.5)
        .map("zenith:normalize", mean=MEAN, std=STD)
        .batch(BATCH)
    )


def torch_loader(photos: Path) -> DataLoader[Any]:
    """The same work in torch, as its tutorials do it."""
    steps = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    return DataLoader(
        datasets.ImageFolder(photos, steps),
        batch_size=BATCH,
        shuffle=True,
        num_workers=WORKERS,
        persistent_workers=True,
    )


def network(classes: int) -> nn.Module:
    """Four convolutions and a mean: small enough for a CPU to keep up with."""

    def block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

    return nn.Sequential(
        nn.Conv2d(3, 24, 7, stride=4, padding=3),
        nn.ReLU(inplace=True),
        *block(24, 48, 2),
        *block(48, 96, 2),
        *block(96, 96, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(96, classes),
    )


def train(loader: Iterable[tuple[Tensor, Tensor]], batches: int, classes: int) -> None:
    """One epoch, with a progress bar that shows the loss fall."""
    torch.manual_seed(0)
    model = network(classes)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    first = mean = correct = seen = 0.0
    bar = tqdm(loader, desc="one epoch, engine=wasm", total=batches, unit="batch", ascii=" #")
    for step, (images, labels) in enumerate(bar):
        scores = model(images)
        loss = nn.functional.cross_entropy(scores, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        now = loss.item()
        first, mean = (now, now) if step == 0 else (first, 0.8 * mean + 0.2 * now)
        if step >= batches // 2:
            correct += (scores.argmax(1) == labels).sum().item()
            seen += len(labels)
        bar.set_postfix_str(f"loss {mean:.2f}")
    print(
        f"loss {first:.2f} -> {mean:.2f};"
        f" {correct / seen:.0%} of the second half recognised before it was learnt from\n"
    )


def throughput(loader: Iterable[tuple[Any, Any]], name: str) -> float:
    """Images per second over one epoch, after one that lets workers and caches warm up."""
    for _ in loader:
        pass
    images, start = 0, time.perf_counter()
    for batch, _ in tqdm(loader, desc=f"timing {name}", unit="batch", ascii=" #", leave=False):
        images += len(batch)
    return images / (time.perf_counter() - start)


def compare(photos: Path) -> None:
    """Times the loaders one after the other, on the same files."""
    wasm = zenith.DataLoader(pipeline(photos), num_workers=WORKERS, engine="wasm")
    auto = zenith.DataLoader(pipeline(photos), num_workers=WORKERS, engine="auto")
    loaders: dict[str, Iterable[tuple[Any, Any]]] = {
        "torch: ImageFolder + DataLoader": torch_loader(photos),
        'zenith: engine="wasm", every step in WebAssembly': wasm,
        'zenith: engine="auto", native twins of the same plugins': auto,
    }
    print(f"loading alone, {WORKERS} workers, the same work:")
    base = 0.0
    for name, loader in loaders.items():
        rate = throughput(loader, name)
        base = base or rate
        print(f"  {name:<56}{rate:6.0f} images/s {rate / base:6.2f}x", flush=True)


def main() -> None:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("photos", type=Path, help="a folder of class folders")
    photos = parser.parse_args().photos

    loader = zenith.DataLoader(pipeline(photos), num_workers=WORKERS, engine="wasm")
    classes = sum(entry.is_dir() for entry in os.scandir(photos))
    print(loader.explain())
    train(loader, len(loader), classes)
    compare(photos)
    print(
        "\nwhere to go next:\n"
        "  examples/sepia        a plugin of your own, in under thirty lines\n"
        "  docs/architecture.md  how a sample travels, and the five types to know\n"
        "  docs/performance.md   the figures, and the commands that give them\n"
        "  make test             every check of the project"
    )


if __name__ == "__main__":
    main()
