"""The contract between the Python face and the native half. Nothing here is public."""

import os
from pathlib import Path
from typing import Any, TypedDict, final, type_check_only

__all__ = [
    "Context",
    "Epoch",
    "Loader",
    "Tensor",
    "_panic_for_tests",
    "files_of_context",
    "listen_for",
    "read_pipeline",
    "run_command",
]

@type_check_only
class Options(TypedDict):
    engine: str
    fidelity: str
    locked: bool | None
    window_push_down: bool
    num_workers: int
    prefetch: int
    memory_limit: int | None
    on_error: str
    seed: int
    rank: int
    world_size: int
    grants: dict[str, list[str]]

@final
class Context:
    def __new__(
        cls,
        *,
        registry: str | os.PathLike[str],
        project: str | os.PathLike[str],
        ignore_lock: bool = False,
    ) -> Context: ...
    def lock(self, /, spec: str, path: str | os.PathLike[str] | None = None) -> Path: ...

@final
class Loader:
    def __new__(cls, context: Context, spec: str, options: Options) -> Loader: ...
    def batches(self, /) -> int: ...
    def begin(self, /) -> Epoch: ...
    def set_epoch(self, /, epoch: int) -> None: ...
    def next_state(self, /) -> str: ...
    def restore(self, /, state: str) -> None: ...
    def swap(
        self, /, context: Context, name: str, version: str
    ) -> tuple[str, str, list[tuple[int, str]]]: ...
    def explain(self, /, analyze: bool) -> str: ...
    def stats(self, /) -> dict[str, Any]: ...
    def quarantine(self, /) -> list[tuple[str, int, int, str, str]]: ...

@final
class Epoch:
    def next(self, /, timeout: float | None = None) -> list[Tensor] | None: ...
    def state(self, /) -> str: ...
    def close(self, /) -> None: ...

@final
class Tensor:
    @property
    def name(self, /) -> str: ...
    @property
    def dtype(self, /) -> str: ...
    @property
    def shape(self, /) -> tuple[int, ...]: ...
    def __dlpack__(
        self,
        /,
        *,
        stream: None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any: ...
    def __dlpack_device__(self, /) -> tuple[int, int]: ...

def files_of_context(project: str | os.PathLike[str]) -> list[Path]: ...
def listen_for(level: int) -> None: ...
def read_pipeline(path: str | os.PathLike[str]) -> str: ...
def run_command(arguments: list[str], registry: str | os.PathLike[str] | None) -> int: ...
def _panic_for_tests() -> None: ...
