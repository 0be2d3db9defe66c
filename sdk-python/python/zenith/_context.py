"""Where plugins are found, for this process and its working folder."""

from __future__ import annotations

import os
from pathlib import Path

from zenith import _native

REGISTRY = Path(__file__).parent / "registry"
"""The folder of the plugins that are shipped with the package."""

LOCKFILE = "zenith.lock"

Place = tuple[int, Path, "tuple[int, int] | None"]

_last: tuple[Place, _native.Context] | None = None


def context() -> _native.Context:
    """The context of this process, its working folder and the lockfile there as it is now.

    Loaders of one context share the plugins that they loaded. A forked child gets its own, because
    the locks of its parent's may be held by threads that it does not have.
    """
    global _last
    project = Path.cwd()
    place = (os.getpid(), project, _state_of(project / LOCKFILE))
    if _last is None or _last[0] != place:
        _last = (place, _native.Context(registry=REGISTRY, project=project))
    return _last[1]


def _state_of(lockfile: Path) -> tuple[int, int] | None:
    try:
        status = lockfile.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
