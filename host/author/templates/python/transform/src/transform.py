"""Solarisation: each value of an RGB image that reaches a threshold is inverted."""

from dataclasses import dataclass

import pixels
from zenith_plugin import (
    ConfigError,
    DType,
    Effect,
    Output,
    Tensor,
    TensorType,
    Transform,
    UnsupportedTypeError,
    describe,
)


@dataclass
class Solarize(Transform):
    """The configuration, and the transform itself. An unknown key is refused."""

    threshold: int = 128
    """The smallest value that is inverted, from 0 to 256."""

    def __post_init__(self) -> None:
        """Called once for each worker. An error here stops the pipeline before its first batch."""
        if not 0 <= self.threshold <= 256:
            raise ConfigError("threshold", f"must be from 0 to 256, but is {self.threshold}")
        self.lookup = pixels.table(lambda value: 255 - value if value >= self.threshold else value)

    def plan(self, input: TensorType) -> Effect:
        """Called when a pipeline is planned: what comes of a tensor of this type. An effect that
        is not `seeded` says that the result may be kept."""
        if input.dtype != DType.UINT8 or len(input.shape) != 3 or input.shape[2] != 3:
            raise UnsupportedTypeError(f"it takes uint8[height, width, 3], not {describe(input)}")
        return Effect(input)

    def apply(self, input: Tensor, seed: int, output: Output) -> None:
        """Called for each sample. What `plan` has promised must be written whole.

        One call over all bytes: a loop over them would take a hundred times as long.
        """
        output.write(pixels.apply_table(input.data, self.lookup))


# The name by which the plugin is found.
Instance = Solarize
