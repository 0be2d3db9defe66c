"""What a swap of a plugin did, and what it makes of the declared pipeline."""

from __future__ import annotations

from dataclasses import dataclass, replace

from zenith._pipeline import Pipeline


@dataclass(frozen=True)
class Swap:
    """A plugin that was swapped while its loader ran."""

    plugin: str
    """What runs now, such as `acme:sepia@1.3.0`."""
    operators: dict[int, str]
    """The operators that were another version of it, by their place in the pipeline, from 1, each
    with what it was before. Empty where all of them ran it already."""


def swapped(pipeline: Pipeline, swap: Swap) -> Pipeline:
    """The pipeline with the new version in the place of each operator that was swapped.

    It names that very version, so that a copy of the loader in another process has it too.
    """
    operators = [dict(operator) for operator in pipeline.operators]
    for position in swap.operators:
        operator = operators[position - 1]
        role = next(role for role in ("sample", "decode", "map", "map-batch") if role in operator)
        # Keeps the order of the keys, in which the pipeline is shown.
        operator[role] = swap.plugin
    return replace(pipeline, operators=tuple(operators))
