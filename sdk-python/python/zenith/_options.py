"""What a loader's options mean: sizes in bytes, seeds, ranks, and torch's arguments."""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from zenith.errors import OptionError

SEED_BITS = 53
"""Seeds have this many bits, so that plugins in languages whose numbers are doubles hold them."""

UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}

REFUSED = {
    "sampler": 'declare the order in the pipeline: `.sample("zenith:shuffle")`',
    "batch_sampler": "declare order and batches in the pipeline: `.sample(…)` and `.batch(…)`",
    "collate_fn": "the host lays out batches; change them with `.map_batch(…)` or in the loop",
    "worker_init_fn": "workers are threads of the host and run no Python",
    "multiprocessing_context": "workers are threads, not processes",
}
"""torch's arguments that have no meaning here, and what to do instead."""


def refuse_foreign(given: dict[str, Any]) -> None:
    """Raises for one of torch's arguments that would be ignored otherwise."""
    for name, instead in REFUSED.items():
        if given[name] is not None:
            raise OptionError(f"`{name}` cannot be honoured", hint=instead)


def whole(name: str, value: Any, least: int, most: int) -> int:
    """A whole number within bounds."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"`{name}` is a whole number, but is {value!r}")
    if not least <= value <= most:
        raise OptionError(f"`{name}` is from {least} to {most}, but is {value}")
    return value


def size_in_bytes(value: int | str | None) -> int | None:
    """Bytes from `2_000_000_000`, `"2GB"` or `"512MiB"`.

    >>> size_in_bytes("2GB"), size_in_bytes("1.5 GiB"), size_in_bytes(4096)
    (2000000000, 1610612736, 4096)
    """
    if value is None:
        return None
    wrong = OptionError(
        f'`memory_limit` is bytes, or a text such as "2GB" or "512MiB", but is {value!r}'
    )
    if isinstance(value, str):
        parts = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", value)
        if parts is None or parts[2].lower() not in UNITS:
            raise wrong
        value = int(float(parts[1]) * UNITS[parts[2].lower()])
    elif not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(str(wrong))
    if not 0 < value < 2**63:
        raise wrong
    return value


def granted(grants: Mapping[str, Sequence[str]] | None) -> dict[str, list[str]]:
    """What each plugin is allowed, as plain data; the host knows what may be allowed."""
    if grants is None:
        return {}
    shape = "`grants` is a mapping such as {'acme:lut': ['files:luts', 'clock']}"
    if not isinstance(grants, Mapping):
        raise TypeError(f"{shape}, but is {grants!r}")
    for name, given in grants.items():
        listed = isinstance(given, Sequence) and not isinstance(given, str | bytes)
        if (
            not isinstance(name, str)
            or not listed
            or not all(isinstance(one, str) for one in given)
        ):
            raise TypeError(f"{shape}, but `{name}` has {given!r}")
    return {name: list(given) for name, given in grants.items()}


def ranks(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Rank and world size: as given, else torch's process group's, else torchrun's, else alone."""
    if (rank is None) != (world_size is None):
        raise OptionError("`rank` and `world_size` are given together, or neither")
    if rank is None or world_size is None:
        rank, world_size = _launched()
    world_size = whole("world_size", world_size, 1, 2**32 - 1)
    return whole("rank", rank, 0, world_size - 1), world_size


def _launched() -> tuple[int, int]:
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    try:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError):
        return 0, 1


def run_seed(seed: int | None, generator: Any, world_size: int) -> int:
    """The seed of a run: as given, else as torch draws one, else from Python's `random`."""
    if seed is not None:
        return whole("seed", seed, 0, 2**SEED_BITS - 1)
    if generator is None and world_size > 1:
        # Every rank must shuffle alike: what `DistributedSampler` does without a seed.
        return 0
    torch = sys.modules.get("torch")
    if torch is not None:
        drawn = torch.empty((), dtype=torch.int64).random_(2**SEED_BITS, generator=generator)
        return int(drawn.item())
    if generator is not None:
        raise OptionError("`generator` is torch's, and torch is not imported", hint="use `seed`")
    return random.getrandbits(SEED_BITS)
