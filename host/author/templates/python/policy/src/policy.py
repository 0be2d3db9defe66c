"""Shortest first: of the jobs that wait, those with the smallest time limit start first, each on
the first nodes that have room."""

from dataclasses import dataclass

from wit_world.exports.policy import Decision, Nodes, Placement, Reason, Running, Waiting
from zenith_plugin import ConfigError, Policy

# What is free on a node, or what a task takes: thousandths of cores, bytes, thousandths of GPUs.
Amounts = tuple[int, int, int]


@dataclass
class ShortestFirst(Policy):
    """The configuration, and the policy itself. An unknown key is refused."""

    jobs_per_round: int = 1000
    """The most jobs to start in one round, at least 1."""

    def __post_init__(self) -> None:
        """An error here leaves the policy that runs in its place."""
        if self.jobs_per_round < 1:
            raise ConfigError("jobs_per_round", f"must be at least 1, but is {self.jobs_per_round}")

    def decide(self, now: int, waiting: Waiting, nodes: Nodes, running: Running) -> Decision:
        """Called each round. What waits and what is free are columns of numbers; the host checks
        every placement, and takes the policy out if it answers nonsense."""
        free = list(zip(nodes.cpus_free, nodes.memory_free, nodes.gpus_free, strict=True))
        # A job without a limit comes last. The sort is stable: equals stay in the order of
        # submission.
        order = sorted(range(len(waiting.id)), key=lambda job: waiting.time_limit[job] or 2**64)

        decision = Decision(placements=[], preemptions=[], reasons=[])
        started = 0
        for job in order:
            id = waiting.id[job]
            if started == self.jobs_per_round:
                decision.reasons.append(Reason(id, "enough jobs start in this round"))
                continue
            wanted = (waiting.cpus[job], waiting.memory[job], waiting.gpus[job])
            placed = place(waiting.tasks[job], wanted, free)
            if placed is None:
                decision.reasons.append(Reason(id, "no node has room for all of its tasks"))
                continue
            chosen, free = placed
            started += 1
            decision.placements += [Placement(id, nodes.id[node]) for node in chosen]
        return decision


def place(
    tasks: int, wanted: Amounts, free: list[Amounts]
) -> tuple[list[int], list[Amounts]] | None:
    """A node for each of a job's tasks, which must start together, and what is then left."""
    left = list(free)
    chosen: list[int] = []
    for _ in range(tasks):
        for node, (cpus, memory, gpus) in enumerate(left):
            if cpus >= wanted[0] and memory >= wanted[1] and gpus >= wanted[2]:
                left[node] = (cpus - wanted[0], memory - wanted[1], gpus - wanted[2])
                chosen.append(node)
                break
        else:
            return None
    return chosen, left


# The name by which the plugin is found.
Instance = ShortestFirst
