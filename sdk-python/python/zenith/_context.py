"""Where plugins are found, for this process and its working folder."""

from __future__ import annotations

import os
from pathlib import Path

from zenith import _native

REGISTRY = Path(__file__).parent / "registry"
"""The folder of the plugins that are shipped with the package."""

State = tuple[int, int] | None

Place = tuple[int, Path, tuple[tuple[Path, State], ...]]

_last: tuple[Place, _native.Context] | None = None


def context() -> _native.Context:
    """The context of this process and its working folder, with the lockfile, the trust files and
    the settings as they are now.

    Loaders of one context share the plugins that they loaded. A forked child gets its own, because
    the locks of its parent's may be held by threads that it does not have.
    """
    global _last
    project = Path.cwd()
    files = tuple((path, _state_of(path)) for path in _native.files_of_context(project))
    place = (os.getpid(), project, files)
    if _last is None or _last[0] != place:
        _last = (place, _native.Context(registry=REGISTRY, project=project))
    return _last[1]


def _state_of(file: Path) -> State:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
