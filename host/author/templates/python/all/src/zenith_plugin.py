"""What a plugin in Python builds on: one base class for each kind, errors, and a configuration
that is checked.

A plugin is a dataclass whose fields are its configuration. Its file is named after its kind, and
its class goes by the name `Instance` there: `componentize-py` looks for both. `wit_world` is made
by that tool from Zenith's interface while it builds; its documentation is in `bindings/` after a
build."""

import dataclasses
import functools
import json
import random
import traceback
from collections.abc import Callable
from typing import Any, ClassVar, Self

from componentize_py_types import Err
from wit_world.imports import log, types
from wit_world.imports.types import Dtype as DType
from wit_world.imports.types import Output, Tensor, TensorType, Window

__all__ = [
    "BatchEffect",
    "BatchTransform",
    "ConfigError",
    "DType",
    "Decoder",
    "Effect",
    "InvalidDataError",
    "InvalidStateError",
    "Output",
    "PluginError",
    "Policy",
    "Sampler",
    "Tensor",
    "TensorType",
    "TooLargeError",
    "Transform",
    "UnsupportedDataError",
    "UnsupportedTypeError",
    "Window",
    "describe",
]


class PluginError(Exception):
    """Why a plugin did not do what it was asked. It spoils one sample; any other exception costs
    the instance as well, and is logged with its line."""

    variant: Callable[[str], Any]

    def told(self) -> Any:
        """The error as the interface has it."""
        return type(self).variant(str(self))


class ConfigError(PluginError):
    """A configuration that the plugin does not take: its key, and a clause that says why not."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"`{key}` {reason}")
        self.problem = types.ConfigProblem(key, reason)

    def told(self) -> Any:
        """The error as the interface has it."""
        return types.Error_Config(self.problem)


class UnsupportedTypeError(PluginError):
    """The plugin does not take a tensor of this type; the text says which it takes."""

    variant = types.Error_UnsupportedType


class InvalidDataError(PluginError):
    """The sample's bytes are damaged; the text says where and how."""

    variant = types.Error_InvalidData


class UnsupportedDataError(PluginError):
    """The sample is sound, but of a form that the plugin does not handle."""

    variant = types.Error_UnsupportedData


class TooLargeError(PluginError):
    """The sample is larger than the plugin's configuration allows."""

    variant = types.Error_TooLarge


class InvalidStateError(PluginError):
    """Saved state is not this plugin's, or of a version that it does not read."""

    variant = types.Error_InvalidState


@dataclasses.dataclass
class Effect:
    """What a transform makes of an input; `wit/transform.wit` says what each field means."""

    output: TensorType
    seeded: bool = False
    windowed: bool = False
    crop_only: bool = False
    reducible: bool = False


@dataclasses.dataclass
class BatchEffect:
    """What a batch transform makes of its inputs: one output for each, and whether it uses the
    seed."""

    outputs: list[TensorType]
    seeded: bool = False


class _Plugin:
    """What all kinds share. A subclass that lacks a method is refused while the plugin is built."""

    required: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()
    # Where among its arguments a method is given the seed.
    seeds: ClassVar[dict[str, int]] = {}

    def __init_subclass__(cls) -> None:
        if _Plugin in cls.__bases__:
            return
        missing = [name for name in cls.required if not callable(getattr(cls, name, None))]
        if missing:
            raise TypeError(f"class `{cls.__name__}` lacks the method `{missing[0]}`")
        for name in (*cls.required, *cls.optional):
            if name in cls.__dict__:
                setattr(cls, name, _guarded(cls.__dict__[name], cls.seeds.get(name)))

    @classmethod
    def configure(cls, config: str) -> Self:
        """Makes a plugin from its configuration, a JSON object."""
        try:
            try:
                return cls(**_checked(cls, config))
            except Exception as error:
                _log(error)
                raise
        except PluginError as error:
            raise Err(error.told()) from None


class Transform(_Plugin):
    """From one tensor of a sample to another."""

    required = ("plan", "apply")
    optional = ("window",)
    seeds: ClassVar[dict[str, int]] = {"apply": 1, "window": 2}

    def window(self, width: int, height: int, seed: int) -> Window:
        """The part of the image that `apply` reads; all of it unless a plugin says otherwise."""
        return Window(0, 0, width, height)


class BatchTransform(_Plugin):
    """From the tensors of a batch to others."""

    required = ("plan", "apply")
    seeds: ClassVar[dict[str, int]] = {"apply": 1}


class Decoder(_Plugin):
    """From encoded bytes to a tensor."""

    required = ("formats", "open", "decode")
    optional = ("plan",)

    def plan(self) -> TensorType:
        """What it decodes to: `uint8[height, width, 3]` unless a plugin says otherwise."""
        return TensorType(DType.UINT8, [None, None, 3])


class Sampler(_Plugin):
    """The order in which an epoch reads its samples."""

    required = ("start", "next", "save", "restore")


class Policy(_Plugin):
    """Which waiting job starts where."""

    required = ("decide",)
    optional = ("save", "restore")

    def save(self) -> bytes:
        """What it has learnt, for the policy that follows it: nothing unless a plugin says
        otherwise."""
        return b""

    def restore(self, state: bytes) -> None:
        """Takes over what an earlier policy learnt."""
        if state:
            raise Err(
                types.Error_InvalidState(f"it keeps no state, and was given {len(state)} bytes")
            )


def describe(tensor: TensorType | Tensor) -> str:
    """A type as Zenith writes it, such as `uint8[?, ?, 3]`."""
    extents = ", ".join("?" if extent is None else str(extent) for extent in tensor.shape)
    return f"{tensor.dtype.name.lower()}[{extents}]"


def _checked(cls: type, text: str) -> dict[str, Any]:
    """The configuration as the fields of a dataclass."""
    try:
        config = json.loads(text)
    except ValueError as error:
        raise ConfigError("", f"is not JSON: {error}") from None
    if not isinstance(config, dict):
        raise ConfigError("", "must be a JSON object")
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    for key, value in config.items():
        if key not in fields:
            known = ", ".join(f"`{name}`" for name in fields) or "none"
            raise ConfigError(key, f"is not a key of this plugin; there are: {known}")
        wanted = fields[key].type
        if wanted is float and type(value) is int:
            config[key] = float(value)
        elif wanted in (bool, int, float, str, list, dict) and type(value) is not wanted:
            raise ConfigError(key, f"must be {_NAMES[wanted]}, but is {json.dumps(value)}")
    for name, field in fields.items():
        if name not in config and field.default is field.default_factory is dataclasses.MISSING:
            raise ConfigError(name, "is missing")
    return config


_NAMES: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}


def _guarded(method: Callable[..., Any], seed_at: int | None) -> Callable[..., Any]:
    """The method with its errors told as the interface has them. Where it is given a seed,
    Python's own `random` begins from it: what it draws then depends on nothing else."""

    @functools.wraps(method)
    def call(self: Any, *arguments: Any) -> Any:
        try:
            if seed_at is not None:
                random.seed(arguments[seed_at])
            return method(self, *arguments)
        except PluginError as error:
            raise Err(error.told()) from None
        except Exception as error:
            _log(error)
            raise

    return call


def _log(error: Exception) -> None:
    """Writes an exception that nobody expected to the host's log, with the line that raised it."""
    if isinstance(error, (PluginError, Err)):
        return
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__
    ]
    where = ""
    if frames:
        # The folder of the sources is mounted as `/0`.
        file = frames[-1].filename.replace("/0/", "src/", 1)
        where = f" ({file}, line {frames[-1].lineno}, in `{frames[-1].name}`)"
    log.write(log.Level.ERROR, f"{type(error).__name__}: {error}{where}")
