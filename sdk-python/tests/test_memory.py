"""The memory limit, and nothing left behind: no memory, no thread."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import psutil
import pytest
import zenith
from conftest import Photos, arrays, epoch, evaluation, training

BATCH_BYTES = 8 * (3 * 96 * 96 * 4 + 8)


def native_threads() -> int:
    """Threads of this process, Python's and others."""
    return psutil.Process().num_threads()


@pytest.fixture
def threads(photos: Photos) -> Iterator[int]:
    """The threads of this process before a test, after the libraries have started theirs."""
    epoch(training(photos.folder), num_workers=2)
    yield native_threads()


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
    assert f"{len(kept)} batches" in str(caught.value)
    assert caught.value.hint is not None
    assert "clone()" in caught.value.hint
    taken = len(kept)
    kept.clear()
    gc.collect()
    assert taken + sum(1 for _ in iterator) == len(photos) // 2


def test_a_batch_larger_than_the_limit_is_refused(photos: Photos) -> None:
    loader = zenith.DataLoader(evaluation(photos.folder), memory_limit="100kB")
    with pytest.raises(zenith.MemoryLimitError, match="one batch takes") as caught:
        next(iter(loader))
    assert caught.value.hint is not None
    assert "batch size" in caught.value.hint


def test_no_thread_starts_before_the_first_batch(photos: Photos, threads: int) -> None:
    loader = zenith.DataLoader(training(photos.folder), num_workers=3)
    len(loader), loader.explain(), loader.state_dict()
    iterator = iter(loader)
    assert native_threads() == threads
    next(iterator)
    assert native_threads() == threads + 3
    assert threading.active_count() == 1


def test_an_exhausted_iterator_leaves_no_thread(photos: Photos, threads: int) -> None:
    loader = zenith.DataLoader(training(photos.folder), num_workers=3)
    iterator = iter(loader)
    assert len(list(iterator)) == 3
    assert native_threads() == threads


def test_a_loader_dropped_half_way_leaves_no_thread_and_no_memory(
    photos: Photos, threads: int
) -> None:
    loader = zenith.DataLoader(training(photos.folder), num_workers=3)
    for batch in loader:
        del batch
        break
    assert native_threads() == threads
    idle = loader.stats()
    assert idle.guest_bytes == 0
    iterator = iter(loader)
    next(iterator)
    del loader, iterator
    gc.collect()
    assert native_threads() == threads


def test_tensors_outlive_their_loader(photos: Photos) -> None:
    loader = zenith.DataLoader(evaluation(photos.folder), num_workers=2)
    images, _ = next(iter(loader))
    total = float(images.sum())
    del loader
    gc.collect()
    assert float(images.sum()) == total


@pytest.mark.parametrize("engine", ["native", "wasm"])
def test_fifty_epochs_leak_nothing(photos: Photos, threads: int, engine: str) -> None:
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
    assert native_threads() <= threads + 1
