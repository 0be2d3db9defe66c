"""What plugins and the host log, in Python's `logging`: `zenith.plugin` and `zenith.host`.

A line of a plugin carries `plugin`, `sample` and `index` as attributes of its record. Lines are
written by the host's threads and shown when the loader is asked for the next batch, by the thread
that asks.
"""

from __future__ import annotations

import logging

from zenith import _native

PLUGIN = logging.getLogger("zenith.plugin")
HOST = logging.getLogger("zenith.host")

Line = tuple[int, "str | None", "str | None", "int | None", str]


def listen() -> None:
    """Asks the host for the lines that the loggers show, by their levels as they are now."""
    _native.listen_for(min(PLUGIN.getEffectiveLevel(), HOST.getEffectiveLevel()))


def tell(lines: list[Line]) -> None:
    """Logs lines: level, plugin, sample, index and text."""
    for level, plugin, sample, index, text in lines:
        logger = HOST if plugin is None else PLUGIN
        logger.log(level, "%s", text, extra={"plugin": plugin, "sample": sample, "index": index})
