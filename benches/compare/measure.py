"""One measurement of one contestant, in a process that does nothing else.

    python benches/compare/measure.py CONTESTANT DATA WORKERS BATCH EPOCHS

prints one JSON object. `tree.py` watches the memory of this process from outside.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path

import psutil
from contestants import CONTESTANTS, SIZE, Batches, Settings


def cpu_seconds() -> float:
    """User and system time of this process and its descendants, the ended ones included."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = ended.ru_utime + ended.ru_stime
    process = psutil.Process()
    for member in [process, *process.children(recursive=True)]:
        times = member.cpu_times()
        total += times.user + times.system
    return total


def epoch(loader: Batches, batch: int) -> int:
    """Takes one epoch from `loader`; answers its images. Refuses what is not the agreed work."""
    images_seen = 0
    for images, labels in loader:
        rows = len(labels)
        if tuple(images.shape) != (rows, 3, SIZE, SIZE) or "float32" not in str(images.dtype):
            raise SystemExit(f"not the agreed batch: {tuple(images.shape)} of {images.dtype}")
        if not 0 < rows <= batch:
            raise SystemExit(f"a batch of {rows}, but {batch} were agreed")
        images_seen += rows
    return images_seen


def measure(name: str, settings: Settings, epochs: int) -> dict[str, float]:
    """Time to the first batch, then the throughput of `epochs` epochs after a first one.

    The first epoch is left out of the throughput: workers start in it. Loaders that can keep their
    workers from one epoch to the next do so. With `epochs` 0 there is no throughput: enough for a
    process whose memory is watched.
    """
    contestant = CONTESTANTS[name]
    for module in contestant.needs:
        importlib.import_module(module)

    start = time.perf_counter()
    loader = contestant.open(settings)
    iterator = iter(loader)
    next(iterator)
    first_batch = time.perf_counter() - start
    for _ in iterator:
        pass
    del iterator
    if epochs == 0:
        return {"first_batch_seconds": first_batch}

    images = 0
    start, cpu_start = time.perf_counter(), cpu_seconds()
    for _ in range(epochs):
        images += epoch(loader, settings.batch)
    wall, cpu = time.perf_counter() - start, cpu_seconds() - cpu_start
    return {
        "images": images,
        "images_per_second": images / wall,
        "images_per_cpu_second": images / cpu,
        "first_batch_seconds": first_batch,
    }


def main() -> None:
    """The command line that `__main__.py` uses."""
    name, data, workers, batch, epochs = sys.argv[1:]
    settings = Settings(Path(data), int(workers), int(batch))
    print(json.dumps(measure(name, settings, int(epochs))))


if __name__ == "__main__":
    main()
