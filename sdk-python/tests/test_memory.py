"""The memory limit, and nothing left behind: no memory, no thread."""

from __future__ import annotations

import gc
import re
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import zenith
from conftest import Photos, arrays, evaluation, training

BATCH_BYTES = 8 * (3 * 96 * 96 * 4 + 8)


def our_threads() -> list[str]:
    """The names of the threads that the host has started and not ended."""
    names = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # It ended just now.
            names.append((task / "comm").read_text().strip())
    return sorted(name for name in names if name.startswith("zenith"))


def assert_threads(expected: int) -> None:
    """The kernel lists a thread for a moment after it was joined."""
    # A test that failed before may have left an iterator in its traceback.
    gc.collect()
    deadline = time.monotonic() + 10
    while len(our_threads()) != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(our_threads()) == expected, our_threads()


def test_the_limit_is_kept(photos: Photos) -> None:
    limit = 24 * 10**6
    loader = zenith.DataLoader(training(photos.folder, size=96), num_workers=2, memory_limit=limit)
    for _ in range(3):
        arrays(loader)
    assert 0 < loader.stats().peak_bytes <= limit


@pytest.mark.parametrize("workers", [0, 2])
def test_keeping_all_batches_ends_in_an_error_that_says_so(photos: Photos, workers: int) -> None:
    loader = zenith.DataLoader(
        evaluation(photos.folder, batch=2),
        num_workers=workers,
        memory_limit=8 * BATCH_BYTES // 4,
        engine="native",
    )
    iterator, kept = iter(loader), []
    with pytest.raises(zenith.MemoryLimitError) as caught:
        while True:
            kept.append(next(iterator))
    assert isinstance(caught.value, MemoryError)
    assert f"the memory limit of {8 * BATCH_BYTES // 4} bytes" in str(caught.value)
    # As many as were held when there was no room: what was ready then may have been taken
    # since.
    held = re.search(r": (\d+) batches of \d+ bytes are still held", str(caught.value))
    assert held is not None, str(caught.value)
    assert 1 <= int(held[1]) <= len(kept)
    assert caught.value.hint is not None
    assert "clone()" in caught.value.hint
    told = len(kept)
    kept.clear()
    gc.collect()
    while True:
        try:
            batch = next(iterator, None)
        except zenith.MemoryLimitError:
            # A batch that was in the works when memory ran out: how many there are depends on how
            # fast the workers are, but each is told of.
            told += 1
            continue
        if batch is None:
            break
        told += 1
        del batch
    # The first error was about a batch of its own, or said that there is no room for the next.
    assert told in (len(photos) // 2 - 1, len(photos) // 2)


def test_a_batch_larger_than_the_limit_is_refused(photos: Photos) -> None:
    loader = zenith.DataLoader(evaluation(photos.folder), memory_limit="100kB")
    with pytest.raises(zenith.MemoryLimitError, match="one batch takes") as caught:
        next(iter(loader))
    assert caught.value.hint is not None
    assert "batch size" in caught.value.hint


def test_no_thread_starts_before_the_first_batch(photos: Photos) -> None:
    loader = zenith.DataLoader(training(photos.folder), num_workers=3)
    len(loader), loader.explain(), loader.state_dict()
    iterator = iter(loader)
    assert_threads(0)
    next(iterator)
    assert_threads(3)
    assert threading.active_count() == 1


def test_an_exhausted_iterator_leaves_no_thread(photos: Photos) -> None:
    loader = zenith.DataLoader(training(photos.folder), num_workers=3)
    iterator = iter(loader)
    assert len(list(iterator)) == 3
    assert_threads(0)


@pytest.mark.parametrize("engine", ["native", "wasm"])
def test_a_loader_dropped_half_way_leaves_no_thread_and_no_memory(
    photos: Photos, engine: str
) -> None:
    loader = zenith.DataLoader(training(photos.folder), num_workers=3, engine=engine)
    for batch in loader:
        del batch
        break
    assert_threads(0)
    idle = loader.stats()
    assert idle.guest_bytes == 0
    iterator = iter(loader)
    next(iterator)
    del loader, iterator
    gc.collect()
    assert_threads(0)


def test_tensors_outlive_their_loader(photos: Photos) -> None:
    loader = zenith.DataLoader(evaluation(photos.folder), num_workers=2)
    images, _ = next(iter(loader))
    total = float(images.sum())
    del loader
    gc.collect()
    assert float(images.sum()) == total


@pytest.mark.parametrize("engine", ["native", "wasm"])
def test_fifty_epochs_leak_nothing(photos: Photos, engine: str) -> None:
    loader = zenith.DataLoader(training(photos.folder), num_workers=2, engine=engine)

    def run(epochs: int) -> int:
        for number in range(epochs):
            for batch in loader:
                del batch
                if number % 2:
                    break
        gc.collect()
        return psutil.Process().memory_info().rss

    settled = run(10)
    assert run(50) - settled < 16 * 2**20
    assert_threads(0)
