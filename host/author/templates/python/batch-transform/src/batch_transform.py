"""Blend: each sample of a batch is mixed with the one after it, and the last with the first, as
mixup does with a partner that is always the same."""

from array import array
from dataclasses import dataclass

from zenith_plugin import (
    BatchEffect,
    BatchTransform,
    ConfigError,
    DType,
    Output,
    Tensor,
    TensorType,
    UnsupportedTypeError,
    describe,
)


@dataclass
class Blend(BatchTransform):
    """The configuration, and the transform itself. An unknown key is refused."""

    ratio: float = 0.5
    """How much of the next sample is mixed in, from 0 to 1."""

    def __post_init__(self) -> None:
        """Called once for each worker. An error here stops the pipeline before its first batch."""
        if not 0 <= self.ratio <= 1:
            raise ConfigError("ratio", f"must be between 0 and 1, but is {self.ratio}")

    def plan(self, inputs: list[TensorType]) -> BatchEffect:
        """Called when a pipeline is planned, with the type of each field; their first extent is
        the batch's."""
        for input in inputs:
            if input.dtype != DType.FLOAT32 or not input.shape:
                raise UnsupportedTypeError(f"it takes float32[batch, ...], not {describe(input)}")
        return BatchEffect(inputs)

    def apply(self, inputs: list[Tensor], seed: int, output: Output) -> None:
        """Called for each batch: writes the first field whole, then the second, and so on."""
        own, other = 1 - self.ratio, self.ratio
        for input in inputs:
            values = array("f", input.data)
            size = len(values) // max(1, input.shape[0])
            # Where each value's partner is: a sample further on, and round again.
            partners = values[size:] + values[:size]
            mixed = array(
                "f", [own * one + other * two for one, two in zip(values, partners, strict=True)]
            )
            output.write(mixed.tobytes())


# The name by which the plugin is found.
Instance = Blend
