"""What a loader counts, as plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class QuarantineEntry:
    """A sample that was left out because it failed."""

    key: str
    """What a person calls it, such as `train/cat/00017.jpg`."""
    index: int
    """Its index in the source."""
    epoch: int
    """The epoch in which it failed."""
    operator: str
    """Who failed on it, with version."""
    error: str
    """Why."""


@dataclass(frozen=True)
class StageStats:
    """What one operator did, over all workers."""

    operator: str
    """What errors call it."""
    calls: int
    """Calls that succeeded."""
    busy: float
    """Seconds in those calls, added up over the workers."""
    bytes: int
    """Bytes that they put out."""


@dataclass(frozen=True)
class LoaderStats:
    """What a loader has done so far, over all of its epochs. Times are in seconds."""

    batches: int
    """Batches handed over."""
    samples: int
    """Samples in them."""
    skipped: int
    """Samples left out because they failed."""
    encoded_bytes: int
    """Encoded bytes read."""
    read_wait: float
    """Time that workers waited for reads."""
    worker_wait: float
    """Time that workers waited for something to do: the caller is the slower side."""
    caller_wait: float
    """Time that the caller waited for a batch: the workers are the slower side."""
    stages: list[StageStats]
    """What each operator did, in the order of the plan; each version of one that was swapped."""
    slot_bytes: int
    """Bytes that batches hold now, at the caller's and in the works."""
    sample_bytes: int
    """Bytes that encoded samples and the buffers between operators hold now."""
    guest_bytes: int
    """Bytes of memory that plugins' instances hold now."""
    peak_bytes: int
    """The most that all of them held at once."""
    replaced_instances: int
    """Plugin instances that trapped or overran a limit, and were replaced."""
