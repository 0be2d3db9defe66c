"""Pipelines as declared: immutable data. Nothing is looked up or run here."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from zenith import _native
from zenith._context import context
from zenith.errors import PipelineError

Json = dict[str, Any]

ROLES = ("sample", "decode", "map", "map-batch")
LIMITS = ("memory", "time", "output", "instances")

Limits = Mapping[str, float | str]
"""Bounds of one operator, as in `{"memory": "512MiB", "time": 2.0, "instances": 8}`."""


@dataclass(frozen=True)
class Pipeline:
    """A pipeline: a source, operators, and how samples become batches.

    Made by `read_images`, `read_webdataset` or `from_file`. It never changes: each method returns a
    new one, so that two pipelines can share their beginning. Nothing is read or checked against the
    plugins until it is given to a `DataLoader` or explained.

    An operator is named as in `zenith:jpeg` or `acme:sepia@^1.2`; its keyword arguments are its
    configuration, and must be JSON. `limits=` bounds it: `memory` of an instance and `output` of a
    call in bytes or as in `"512MiB"`, `time` of a call in seconds or as in `"500ms"`, and how many
    `instances` live at once. It goes before what `zenith.toml` says of the plugin.

    >>> import zenith
    >>> photos = zenith.read_images("photos").decode("zenith:jpeg")
    >>> train = photos.map("zenith:random-resized-crop", size=224, limits={"time": 2})
    >>> train.map("zenith:to-float").batch(64)
    zenith.read_images('photos')
        .decode('zenith:jpeg')
        .map('zenith:random-resized-crop', size=224, limits={'time': 2})
        .map('zenith:to-float')
        .batch(64)
    """

    source: Json
    """Where samples come from."""
    operators: tuple[Json, ...] = ()
    """The operators, in order."""
    batches: Json | None = None
    """Samples in a batch, and whether a last one that is not full is left out."""

    def sample(self, plugin: str, *, limits: Limits | None = None, **config: Any) -> Pipeline:
        """Adds a sampler, which chooses the order of samples; without one it is the source's."""
        return self._with("sample", plugin, limits, config)

    def decode(
        self, plugin: str = "auto", *, limits: Limits | None = None, **config: Any
    ) -> Pipeline:
        """Adds a decoder; `"auto"` chooses among the shipped ones by each sample's first bytes."""
        return self._with("decode", plugin, limits, config)

    def map(self, plugin: str, *, limits: Limits | None = None, **config: Any) -> Pipeline:
        """Adds a transform of single samples."""
        return self._with("map", plugin, limits, config)

    def map_batch(self, plugin: str, *, limits: Limits | None = None, **config: Any) -> Pipeline:
        """Adds a transform of whole batches."""
        return self._with("map-batch", plugin, limits, config)

    def batch(self, size: int, *, drop_last: bool = False) -> Pipeline:
        """Makes batches of `size` samples; without it a batch has one.

        With `drop_last` a last batch that is not full is left out.
        """
        if not isinstance(size, int) or isinstance(size, bool) or not 0 < size < 2**32:
            raise PipelineError(
                f"a batch has a whole number of samples, at least 1, but not {size!r}"
            )
        return replace(self, batches={"size": size, "drop_last": bool(drop_last)})

    def explain(
        self,
        *,
        engine: Literal["auto", "wasm", "native"] = "auto",
        fidelity: Literal["exact", "fast"] = "exact",
        window_push_down: bool = True,
        grants: Mapping[str, Sequence[str]] | None = None,
    ) -> str:
        """The plan as text: what each step is resolved to, what it makes, and what is optimised.

        The source is opened and the plugins are loaded, but no sample is read. Raises what
        `DataLoader` raises for a pipeline that cannot run.
        """
        from zenith._loader import DataLoader

        loader = DataLoader(
            self,
            engine=engine,
            fidelity=fidelity,
            window_push_down=window_push_down,
            seed=0,
            grants=grants,
        )
        return loader.explain()

    def lock(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Pins every plugin it names, by digest, in a lockfile; answers the file's path.

        By default the file is `zenith.lock` in the working folder, which every later run from there
        obeys. Pins that the file has besides stay. Where the variable `ZENITH_LOCKED` is set,
        nothing is written, and a file that would change is an error.
        """
        return context().lock(self.to_json(), None if path is None else os.fspath(path))

    def to_dict(self) -> Json:
        """The declaration as JSON-like data, in the form of a pipeline file."""
        declared: Json = {"source": self.source, "operator": list(self.operators)}
        if self.batches is not None:
            declared["batch"] = self.batches
        copy: Json = json.loads(json.dumps(declared))
        return copy

    def to_json(self) -> str:
        """The declaration as JSON text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, declared: Mapping[str, Any]) -> Pipeline:
        """The pipeline that `to_dict` described."""
        copy = _json(dict(declared), "the declaration", "")
        unknown = set(copy) - {"source", "operator", "batch"}
        if unknown or not isinstance(copy.get("source"), dict):
            raise PipelineError(
                "a declaration has the keys `source`, `operator` and `batch`, of which `source` is"
                f" a table, but this one has {sorted(copy)}"
            )
        return cls(copy["source"], tuple(copy.get("operator", ())), copy.get("batch"))

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Pipeline:
        """The pipeline that a TOML file declares. Paths in it are taken from the file's folder."""
        return cls.from_dict(json.loads(_native.read_pipeline(os.fspath(path))))

    def _with(self, role: str, plugin: str, limits: Limits | None, config: Json) -> Pipeline:
        if not isinstance(plugin, str):
            raise TypeError(
                f'`{role}` takes the name of a plugin, such as "zenith:jpeg", but not {plugin!r}'
            )
        where = f"{role} `{plugin}`"
        operator: Json = {role: plugin}
        for key, value in config.items():
            if key in ROLES:
                raise PipelineError(
                    f"{where}: `{key}` is reserved, and no plugin can have such a key"
                )
            operator[key] = _json(value, where, key)
        if limits is not None:
            operator["limits"] = _limits(limits, where)
        return replace(self, operators=(*self.operators, operator))

    def __repr__(self) -> str:
        options = dict(self.source)
        kind, path = options.pop("kind", "?"), options.pop("path", "?")
        lines = [f"zenith.read_{kind}({_arguments(path, options)})"]
        for operator in self.operators:
            config = dict(operator)
            role = next((role for role in ROLES if role in config), "map")
            plugin = config.pop(role, None) or "auto"
            lines.append(f".{role.replace('-', '_')}({_arguments(plugin, config)})")
        if self.batches is not None:
            options = {key: value for key, value in self.batches.items() if key != "size" and value}
            lines.append(f".batch({_arguments(self.batches.get('size'), options)})")
        return "\n    ".join(lines)


def read_images(
    path: str | os.PathLike[str],
    *,
    io: Literal["auto", "io-uring", "threads", "blocking"] = "auto",
    allow_empty: bool = False,
) -> Pipeline:
    """Reads a folder of class folders, as torchvision's `ImageFolder` does.

    Samples and labels are `ImageFolder`'s: classes are the folders in order of their names, and the
    fields of a batch are images and labels (`int64`). `io` says how files are read; `"auto"` takes
    io_uring where the system has it. `allow_empty` accepts class folders without an image.
    """
    source = {"kind": "images", "path": _path(path)}
    return Pipeline(source | _given(io=(io, "auto"), allow_empty=(allow_empty, False)))


def read_webdataset(
    path: str | os.PathLike[str],
    *,
    image: str = "jpg;jpeg;png",
    label: str = "cls",
    io: Literal["auto", "io-uring", "threads", "blocking"] = "auto",
) -> Pipeline:
    """Reads tar shards, as WebDataset writes them.

    `path` may hold ranges and alternatives: `"shards/{000..009}.tar"`, `"{train,extra}.tar"`.
    `image` lists the extensions of the encoded image in order of preference, `label` is that of the
    class. The fields of a batch are images and labels (`int64`).
    """
    source = {"kind": "webdataset", "path": _path(path)}
    given = _given(image=(image, "jpg;jpeg;png"), label=(label, "cls"), io=(io, "auto"))
    return Pipeline(source | given)


def from_file(path: str | os.PathLike[str]) -> Pipeline:
    """The pipeline that a TOML file declares; the same as `Pipeline.from_file`."""
    return Pipeline.from_file(path)


def _path(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"a path is text, but not {text!r}")
    return text


def _given(**options: tuple[Any, Any]) -> Json:
    """The options that differ from their defaults."""
    return {name: value for name, (value, default) in options.items() if value != default}


def _arguments(first: Any, keywords: Json) -> str:
    return ", ".join([repr(first), *(f"{key}={value!r}" for key, value in keywords.items())])


def _limits(limits: Limits, where: str) -> Json:
    if not isinstance(limits, Mapping):
        raise TypeError(f"{where}: `limits` is a mapping such as {{'time': 2.0}}, not {limits!r}")
    for key in limits:
        if key not in LIMITS:
            raise PipelineError(
                f"{where}: `limits` has the keys {', '.join(LIMITS)}, but not `{key}`"
            )
    checked: Json = _json(dict(limits), where, "limits")
    return checked


def _json(value: Any, where: str, key: str) -> Any:
    """A copy of `value` as plain JSON data. Tuples become lists; nothing else is converted."""
    at = f"{where}: `{key}`" if key else where
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise PipelineError(f"{at} is {value!r}, which is no JSON number")
        return float(value)
    if isinstance(value, list | tuple):
        return [_json(item, where, f"{key}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                raise TypeError(f"{at} has the key {name!r}, which is no text")
        return {name: _json(item, where, _below(key, name)) for name, item in value.items()}
    hint = "\nhint: `.tolist()` makes plain numbers of it" if hasattr(value, "tolist") else ""
    raise TypeError(f"{at} is not JSON, but of type `{type(value).__qualname__}`{hint}")


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
