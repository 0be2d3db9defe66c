"""The loaders that are compared, each behind the same face: settings in, batches out.

Every contestant does the same work: read JPEG files from a folder of class folders in shuffled
order, decode, random-resized-crop to 224, flip half of them, normalise, and hand over batches of
float32 in NCHW. To add one, write a function and put it into `CONTESTANTS`. A contestant imports
its loader inside its function, so that no process pays for another's libraries.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]
SIZE = 224


@dataclass(frozen=True)
class Settings:
    """What every contestant is given."""

    data: Path
    """A folder of class folders."""
    workers: int
    """Worker processes or threads."""
    batch: int
    """Images in a batch."""


Batches = Iterable[tuple[Any, Any]]
"""A loader: iterated once per epoch, it yields images (N × 3 × 224 × 224, float32) and labels."""


def torch_pil(settings: Settings) -> Batches:
    """What torchvision's tutorials teach: `ImageFolder` with PIL."""
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    steps = transforms.Compose(
        [
            transforms.RandomResizedCrop(SIZE),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    return DataLoader(
        datasets.ImageFolder(settings.data, steps),
        batch_size=settings.batch,
        shuffle=True,
        num_workers=settings.workers,
        persistent_workers=settings.workers > 0,
    )


def torch_tensors(settings: Settings) -> Batches:
    """torchvision's faster path: `decode_jpeg` and the v2 transforms, on tensors throughout."""
    import torch
    from torch.utils.data import DataLoader
    from torchvision import datasets
    from torchvision.io import ImageReadMode, decode_jpeg, read_file
    from torchvision.transforms import v2

    steps = v2.Compose(
        [
            v2.RandomResizedCrop(SIZE, antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )

    def load(path: str) -> torch.Tensor:
        image: torch.Tensor = decode_jpeg(read_file(path), mode=ImageReadMode.RGB)
        return image

    return DataLoader(
        datasets.ImageFolder(settings.data, steps, loader=load),
        batch_size=settings.batch,
        shuffle=True,
        num_workers=settings.workers,
        persistent_workers=settings.workers > 0,
    )


def zenith(**options: Any) -> Callable[[Settings], Batches]:
    """Zenith, with `options` for its `DataLoader`."""

    def opened(settings: Settings) -> Batches:
        import zenith

        pipeline = (
            zenith.read_images(settings.data)
            .sample("zenith:shuffle", seed=42)
            .decode("zenith:jpeg")
            .map("zenith:random-resized-crop", size=SIZE)
            .map("zenith:horizontal-flip", p=0.5)
            .map("zenith:normalize", mean=MEAN, std=STD)
            .batch(settings.batch)
        )
        return zenith.DataLoader(pipeline, num_workers=settings.workers, **options)

    return opened


@dataclass(frozen=True)
class Contestant:
    """One loader, and what it takes to run it."""

    title: str
    """Its row in the table."""
    needs: tuple[str, ...]
    """The modules it imports. They are imported before any clock starts."""
    open: Callable[[Settings], Batches]
    """Makes the loader. Part of the time to the first batch."""

    def missing(self) -> list[str]:
        """Those of the modules it needs that are not installed."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


BASELINE = "torch-pil"
CONTESTANTS: dict[str, Contestant] = {
    "torch-pil": Contestant("torch DataLoader, PIL", ("torch", "torchvision"), torch_pil),
    "torch-tensors": Contestant(
        "torch DataLoader, decode_jpeg + v2", ("torch", "torchvision"), torch_tensors
    ),
    "zenith-auto": Contestant('Zenith, engine="auto"', ("torch", "zenith"), zenith(engine="auto")),
    "zenith-wasm": Contestant('Zenith, engine="wasm"', ("torch", "zenith"), zenith(engine="wasm")),
    "zenith-fast": Contestant(
        'Zenith, engine="auto", fidelity="fast"',
        ("torch", "zenith"),
        zenith(engine="auto", fidelity="fast"),
    ),
}
