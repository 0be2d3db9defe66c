"""The loader: torch's `DataLoader` interface over the native one."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from zenith import _log, _native
from zenith._context import context
from zenith._frameworks import Framework, converter
from zenith._options import granted, ranks, refuse_foreign, run_seed, size_in_bytes, whole
from zenith._pipeline import Pipeline
from zenith._stats import LoaderStats, QuarantineEntry, StageStats
from zenith._swap import Swap, swapped
from zenith.errors import OptionError, StateError

Batch = tuple[Any, ...]


class DataLoader:
    """Loads a pipeline's batches, epoch after epoch, behind the interface of torch's `DataLoader`.

    Iterating yields one tuple for each batch, with a tensor for each field of the source: images,
    labels. They are torch tensors, or numpy arrays where torch is not installed; `framework`
    decides. A batch is lent, not copied: its memory is used again once every tensor made of it is
    gone. Workers are threads of the native host; none exists before the first batch is asked for,
    and none after the iterator is exhausted or dropped.

    The pipeline is resolved, checked and planned here; `PipelineError` tells all of its faults.

    torch's arguments keep their names and places:

    | argument | here |
    |---|---|
    | `dataset` | the pipeline |
    | `batch_size`, `drop_last` | instead of what the pipeline's `.batch(…)` says, where given |
    | `shuffle` | `True` adds `zenith:shuffle`, `False` insists on none; `None` is as declared |
    | `num_workers` | threads; with 0 the caller's thread does the work |
    | `prefetch_factor` | batches ahead for each worker; `None`: 3 in all, as workers share them |
    | `pin_memory` | torch's `pin_memory()` on each tensor, where there is a GPU |
    | `timeout` | seconds to wait for a batch before `TimeoutError`; 0 is no limit |
    | `generator` | the seed is drawn from it, where `seed` is `None` |
    | `persistent_workers`, `in_order` | accepted: threads start fast, batches are in order |
    | `pin_memory_device` | accepted, as torch does, which has given it up |
    | `sampler`, `batch_sampler`, `collate_fn` | refused: the pipeline declares what they would do |
    | `worker_init_fn`, `multiprocessing_context` | refused: workers are threads and run no Python |

    And its own:

    - `engine`: `"auto"` runs a shipped plugin as its native twin and all others as WebAssembly,
      `"wasm"` all as WebAssembly, `"native"` refuses those without a twin. The pixels are the same.
    - `fidelity`: `"exact"` gives the pixels of a full decode; `"fast"` lets decoders work at a
      reduced scale where the image is scaled down further afterwards.
    - `locked`: `True` refuses a plugin that `zenith.lock` does not pin, and names it; `None` is as
      the variable `ZENITH_LOCKED` says.
    - `memory_limit`: bytes, or a text such as `"2GB"` or `"512MiB"`, that batches, encoded samples
      and plugins together stay below.
    - `on_error`: `"raise"` raises `SampleError` for a sample that fails, after which the next batch
      can be asked for; `"skip"` leaves it out, and lists it in `quarantine`.
    - `seed`: from 0 to 2⁵³ − 1. `None` draws one when the loader is made: from torch's global
      generator if torch is imported (so that `torch.manual_seed` governs), else from `random`;
      among several ranks it is 0, because they must agree.
    - `rank`, `world_size`: this process's part of each epoch. `None` takes torch's process group,
      else the `RANK` and `WORLD_SIZE` that torchrun sets, else the whole.
    - `window_push_down`: whether decoders skip what later operators do not read. No pixel depends
      on it.
    - `framework`: `"torch"`, `"numpy"`, or `"auto"`.
    - `grants`: what plugins get beyond computing, such as `{"acme:lut": ["files:luts", "clock"]}`:
      `clock`, `entropy`, or `files:FOLDER` to read from. A plugin gets only what its manifest asks
      for as well. A plugin that is named here gets nothing of what `zenith.toml` allows it.

    Each `iter(loader)` is an epoch of its own, numbered from 0; several may run at once.
    """

    def __init__(
        self,
        dataset: Pipeline,
        batch_size: int | None = None,
        shuffle: bool | None = None,
        sampler: None = None,
        batch_sampler: None = None,
        num_workers: int = 0,
        collate_fn: None = None,
        pin_memory: bool = False,
        drop_last: bool | None = None,
        timeout: float = 0,
        worker_init_fn: None = None,
        multiprocessing_context: None = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        engine: Literal["auto", "wasm", "native"] = "auto",
        fidelity: Literal["exact", "fast"] = "exact",
        locked: bool | None = None,
        memory_limit: int | str | None = None,
        on_error: Literal["raise", "skip"] = "raise",
        seed: int | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        window_push_down: bool = True,
        framework: Framework = "auto",
        grants: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        if not isinstance(dataset, Pipeline):
            raise TypeError(
                f"a loader takes a pipeline, such as `zenith.read_images(…)`, but not {dataset!r}"
            )
        refuse_foreign(
            {
                "sampler": sampler,
                "batch_sampler": batch_sampler,
                "collate_fn": collate_fn,
                "worker_init_fn": worker_init_fn,
                "multiprocessing_context": multiprocessing_context,
            }
        )
        if not timeout >= 0:
            raise OptionError(f"`timeout` is seconds, 0 or more, but is {timeout!r}")
        self.pipeline = _reshaped(dataset, batch_size, shuffle, drop_last)
        """The pipeline that is loaded."""
        self.num_workers = whole("num_workers", num_workers, 0, 1024)
        self.timeout = timeout
        rank, world_size = ranks(rank, world_size)
        self._options: _native.Options = {
            "engine": engine,
            "fidelity": fidelity,
            "locked": None if locked is None else bool(locked),
            "window_push_down": bool(window_push_down),
            "num_workers": self.num_workers,
            "prefetch": _prefetch(prefetch_factor, self.num_workers),
            "memory_limit": size_in_bytes(memory_limit),
            "on_error": on_error,
            "seed": run_seed(seed, generator, world_size),
            "rank": rank,
            "world_size": world_size,
            "grants": granted(grants),
        }
        self._framework: Framework = framework
        self._pin_memory = pin_memory
        self._start: str | None = None
        self._plan()

    @property
    def batch_size(self) -> int:
        """Samples in a batch."""
        return int((self.pipeline.batches or {"size": 1})["size"])

    @property
    def drop_last(self) -> bool:
        """Whether a last batch that is not full is left out."""
        return bool((self.pipeline.batches or {}).get("drop_last", False))

    @property
    def dataset(self) -> Pipeline:
        """The pipeline, by torch's name."""
        return self.pipeline

    @property
    def seed(self) -> int:
        """The run's seed, as given or drawn."""
        return self._options["seed"]

    def __len__(self) -> int:
        """Batches in the next epoch; samples that are skipped may make it fewer."""
        return self._here().batches()

    def __iter__(self) -> BatchIterator:
        """A new epoch. It begins, and its threads start, when its first batch is asked for."""
        return BatchIterator(self)

    def set_epoch(self, epoch: int) -> None:
        """Sets the number of the next epoch, as `DistributedSampler.set_epoch` does.

        Without it epochs count up by themselves.
        """
        loader = self._here()
        loader.set_epoch(whole("epoch", epoch, 0, 2**53 - 1))
        self._stand(loader.next_state())

    def state_dict(self) -> dict[str, Any]:
        """Where the loader stands: behind the last batch of the latest iterator, if that is not
        exhausted, else before the next epoch.

        Small, and JSON. It may be restored with other workers, ranks or batch sizes, but only under
        the same source, operators and configuration.
        """
        loader = self._here()
        epoch = self._latest
        text = loader.next_state() if epoch is None else epoch.state()
        state: dict[str, Any] = json.loads(text)
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what `state_dict` answered: the next iterator goes on behind the last batch."""
        try:
            text = json.dumps(state_dict)
        except (TypeError, ValueError) as error:
            raise StateError(f"this is not a loader's state: {error}") from error
        self._here().restore(text)
        self._stand(text)

    def swap(self, plugin: str, version: str) -> Swap:
        """Puts another version of a plugin in place between two batches, while epochs run.

        `version` is one, such as `"1.3.0"`, or a requirement, such as `"^1.3"`. Every operator of
        the pipeline that is this plugin is swapped, and keeps its configuration and its limits.

        The new version is found, compiled and tried in the calling thread, while the workers go on;
        call it from a thread of your own to go on with batches yourself. Batches that are under way
        by then are made by the old version, all later ones by the new one, and none by both. The
        new version must make batches of the same types. A sampler's new version orders the epochs
        that begin afterwards.

        Where anything fails, the old version goes on: `RegistryError` tells that no such version
        is found, `PipelineError` that it does not fit.

        `pipeline`, `explain()` and copies of this loader follow. A state that is saved afterwards
        is restored by a loader of the new version.
        """
        for name, value in (("plugin", plugin), ("version", version)):
            if not isinstance(value, str):
                raise TypeError(f"`{name}` is a text, not {value!r}")
        loader = self._here()
        with self._swapping:
            name, now, before = loader.swap(context(), plugin, version)
            swap = Swap(f"{name}@{now}", {place: f"{name}@{old}" for place, old in before})
            self.pipeline = swapped(self.pipeline, swap)
            if self._start is not None:
                self._start = loader.next_state()
        return swap

    @property
    def quarantine(self) -> list[QuarantineEntry]:
        """The samples that `on_error="skip"` left out so far, in the order of the epochs."""
        return [QuarantineEntry(*entry) for entry in self._here().quarantine()]

    def stats(self) -> LoaderStats:
        """What has been done and waited for so far, over all epochs."""
        counts: dict[str, Any] = dict(self._here().stats())
        stages = [StageStats(**stage) for stage in counts.pop("stages")]
        return LoaderStats(**counts, stages=stages)

    def explain(self, *, analyze: bool = False) -> str:
        """The plan as text; with `analyze`, what each step cost so far."""
        return self._here().explain(analyze)

    def _plan(self) -> None:
        self._convert = converter(self._framework, self._pin_memory)
        # Two swaps at once must leave the pipeline as the native loader has it.
        self._swapping = threading.Lock()
        _log.listen()
        self._loader = _native.Loader(context(), self.pipeline.to_json(), self._options)
        self._process = os.getpid()
        self._latest: _native.Epoch | None = None
        if self._start is not None:
            self._loader.restore(self._start)

    def _here(self) -> _native.Loader:
        """The native loader of this process. A forked child plans anew, from what Python knows: the
        locks of its parent's may be held by threads that it does not have."""
        if self._process != os.getpid():
            self._plan()
        return self._loader

    def _stand(self, state: str) -> None:
        self._start = state
        self._latest = None

    def _begin(self) -> _native.Epoch:
        loader = self._here()
        _log.listen()
        epoch = loader.begin()
        self._stand(loader.next_state())
        self._latest = epoch
        return epoch

    def _ended(self, epoch: _native.Epoch) -> None:
        if self._latest is epoch:
            self._latest = None

    def __getstate__(self) -> dict[str, Any]:
        """For `spawn` and the like: a copy plans anew, and begins where the next epoch would."""
        native = ("_loader", "_latest", "_convert", "_process", "_swapping")
        return {key: value for key, value in self.__dict__.items() if key not in native}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._plan()

    def __repr__(self) -> str:
        return f"zenith.DataLoader(\n    {self.pipeline!r},\n    num_workers={self.num_workers},\n)"


class BatchIterator(Iterator[Batch]):
    """The batches of one epoch, in order.

    It survives an error and an interrupt: the next batch can still be asked for. Dropping it, or
    `close`, stops its threads.
    """

    def __init__(self, loader: DataLoader) -> None:
        self._loader = loader
        self._epoch: _native.Epoch | None = None
        self._closed = False

    def __iter__(self) -> BatchIterator:
        return self

    def __next__(self) -> Batch:
        if self._closed:
            raise StopIteration
        if self._epoch is None:
            self._epoch = self._loader._begin()
        timeout = self._loader.timeout
        try:
            tensors = self._epoch.next(timeout or None)
        except TimeoutError:
            raise TimeoutError(f"no batch was ready within {timeout} seconds") from None
        if tensors is None:
            self._loader._ended(self._epoch)
            self.close()
            raise StopIteration
        return tuple(map(self._loader._convert, tensors))

    def close(self) -> None:
        """Ends the epoch: no batch follows, and its threads are gone when this returns."""
        self._closed = True
        if self._epoch is not None:
            self._epoch.close()

    def __del__(self) -> None:
        # The loader keeps the native epoch for its state, so that dropping it is not enough.
        if getattr(self, "_epoch", None) is not None:
            self.close()


def _reshaped(
    pipeline: Pipeline, batch_size: int | None, shuffle: bool | None, drop_last: bool | None
) -> Pipeline:
    """The pipeline with what torch's arguments say about batches and order."""
    if batch_size is not None or drop_last is not None:
        declared = pipeline.batches or {"size": 1, "drop_last": False}
        size = declared["size"] if batch_size is None else batch_size
        drop = declared.get("drop_last", False) if drop_last is None else drop_last
        pipeline = pipeline.batch(size, drop_last=drop)
    samplers = [operator["sample"] for operator in pipeline.operators if "sample" in operator]
    if shuffle and not samplers:
        shuffled = Pipeline(pipeline.source).sample("zenith:shuffle").operators
        return replace(pipeline, operators=shuffled + pipeline.operators)
    if shuffle is False and samplers not in ([], ["zenith:sequential"]):
        raise OptionError(
            f"`shuffle` is False, but the pipeline declares the sampler `{samplers[0]}`",
            hint="leave `shuffle` out: the order is declared in the pipeline",
        )
    return pipeline


def _prefetch(factor: int | None, workers: int) -> int:
    """Batches under way or waiting."""
    if factor is None:
        return 3 if workers else 1
    if not workers:
        raise OptionError("`prefetch_factor` needs workers", hint="set `num_workers` to 1 or more")
    return whole("prefetch_factor", factor, 1, 1024) * workers
