"""Every n-th sample, in order."""

from dataclasses import dataclass

from wit_world.exports.sampler import Population
from zenith_plugin import ConfigError, InvalidStateError, Sampler


@dataclass
class EveryNth(Sampler):
    """The configuration, and where the sampler stands. An unknown key is refused.

    Of an order of `length` positions, rank `r` of `w` takes `r`, `r + w`, `r + 2w`, …, so that
    all ranks get equally many; the last may begin again at the front."""

    every: int = 2
    """How far apart the samples are, at least 1."""

    def __post_init__(self) -> None:
        """Called once. An error here stops the pipeline before its first batch."""
        if self.every < 1:
            raise ConfigError("every", f"must be at least 1, but is {self.every}")

    def start(self, population: Population) -> int:
        """Begins an epoch: an order that changes from epoch to epoch would use `population.seed`
        and `population.epoch`."""
        self.length = -(-population.length // self.every)
        self.rank, self.ranks = population.rank, population.world_size
        # Positions that all ranks together had taken when this part of the epoch began, and what
        # this rank has taken since.
        self.base = self.taken = 0
        return self.remaining()

    def remaining(self) -> int:
        """What this rank has yet to take."""
        return -(-max(0, self.length - self.base) // self.ranks) - self.taken

    def next(self, limit: int) -> list[int]:
        """Hands over the next indices, at most `limit`; thousands at a time are usual."""
        count = min(self.remaining(), limit)
        first = self.base + self.taken * self.ranks + self.rank
        self.taken += count
        positions = range(first, first + count * self.ranks, self.ranks)
        return [position % self.length * self.every for position in positions]

    def save(self) -> bytes:
        """Where the epoch stands, in a form that any number of ranks can go on from."""
        return min(self.base + self.taken * self.ranks, self.length).to_bytes(8, "little")

    def restore(self, state: bytes) -> None:
        """Goes on from a saved place, after a `start` with the same population."""
        if len(state) != 8:
            raise InvalidStateError(f"it is a position in 8 bytes, not {len(state)} bytes")
        position = int.from_bytes(state, "little")
        if position > self.length:
            raise InvalidStateError(f"position {position} is beyond the {self.length} there are")
        self.base, self.taken = position, 0


# The name by which the plugin is found.
Instance = EveryNth
