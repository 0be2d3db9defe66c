"""From native tensors to those of the library at hand, without a copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from zenith import _native
from zenith.errors import OptionError

Framework = Literal["auto", "torch", "numpy"]
Convert = Callable[[_native.Tensor], Any]


def converter(framework: Framework, pin_memory: bool) -> Convert:
    """What makes a tensor of `framework`; `"auto"` is torch where it is installed, else numpy."""
    if framework not in ("auto", "torch", "numpy"):
        raise OptionError(f'`framework` is "auto", "torch" or "numpy", but is {framework!r}')
    installed = framework != "numpy" and _has_torch()
    if framework == "numpy" or (framework == "auto" and not installed):
        if pin_memory:
            raise OptionError("`pin_memory` needs torch, and batches are numpy arrays here")
        import numpy

        # numpy copies nothing here either.
        return numpy.from_dlpack
    if not installed:
        raise OptionError('`framework` is "torch", which is not installed')
    import torch
    from torch.utils.dlpack import from_dlpack

    if pin_memory and torch.cuda.is_available():
        return lambda tensor: from_dlpack(tensor).pin_memory()
    return from_dlpack


def _has_torch() -> bool:
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        # A module that torch itself misses is another matter.
        if error.name != "torch":
            raise
        return False
    return True
