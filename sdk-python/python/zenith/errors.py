"""What Zenith raises. Every class is a `ZenithError`, and the built-in exception nearest to it.

| class | also | when |
|---|---|---|
| `PipelineError` | `ValueError` | a pipeline, as declared, cannot run; all of its faults together |
| `OptionError` | `ValueError` | an option of a loader or source makes no sense |
| `RegistryError` | `LookupError` | a package or lockfile could not be found, verified or loaded |
| `SampleError` | `RuntimeError` | a sample failed; the loader can be asked for the next batch |
| `PluginError` | `RuntimeError` | a plugin failed outside any sample |
| `SourceError` | `OSError` | a file or folder could not be read |
| `MemoryLimitError` | `MemoryError` | the memory limit leaves no room for the next batch |
| `StateError` | `ValueError` | a saved state does not fit the loader |
| `ResourceError` | `OSError` | the system refused a thread, memory, or the like |
| `InternalError` | `RuntimeError` | a fault of Zenith's own |
"""

from __future__ import annotations

__all__ = [
    "InternalError",
    "MemoryLimitError",
    "OptionError",
    "PipelineError",
    "PluginError",
    "RegistryError",
    "ResourceError",
    "SampleError",
    "SourceError",
    "StateError",
    "ZenithError",
]


class ZenithError(Exception):
    """Anything that Zenith raises.

    Its text is the message, which names what is at fault and why, and on a line of its own a hint.
    """

    hint: str | None
    """What to do about it, where that is known."""
    key: str | None
    """What a person calls the sample at fault, such as `train/cat/00017.jpg`, if there is one."""
    index: int | None
    """The index of that sample in its source."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        key: str | None = None,
        index: int | None = None,
    ) -> None:
        super().__init__(message if hint is None else f"{message}\nhint: {hint}")
        self.hint = hint
        self.key = key
        self.index = index


class PipelineError(ZenithError, ValueError):
    """A pipeline, as declared, cannot run. Its text lists every fault that was found."""


class OptionError(ZenithError, ValueError):
    """An option of a loader or source makes no sense."""


class RegistryError(ZenithError, LookupError):
    """A package or lockfile could not be found, verified or loaded."""


class SampleError(ZenithError, RuntimeError):
    """A sample failed. `key` and `index` say which; the next batch can still be asked for."""


class PluginError(ZenithError, RuntimeError):
    """A plugin failed outside any sample: a sampler, a batch transform, or at its start."""


class SourceError(ZenithError, OSError):
    """A file or folder could not be read. `key` and `index` are set where it was a sample's."""


class MemoryLimitError(ZenithError, MemoryError):
    """The memory limit leaves no room for the next batch."""


class StateError(ZenithError, ValueError):
    """A saved state does not fit the loader."""


class ResourceError(ZenithError, OSError):
    """The system refused a thread, memory, or the like."""


class InternalError(ZenithError, RuntimeError):
    """A fault of Zenith's own. A panic of its native half ends here, never as a `BaseException`."""
