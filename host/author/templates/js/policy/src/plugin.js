// Shortest first: of the jobs that wait, those with the smallest time limit start first, each on the first
// nodes that have room.

import { ConfigError, plugin } from "./zenith.js";

class ShortestFirst {
    /** The configuration. An unknown key is refused. */
    static defaults = {
        /** The most jobs to start in one round, at least 1. */
        jobs_per_round: 1000,
    };

    /** An error here leaves the policy that runs in its place. */
    constructor({ jobs_per_round }) {
        if (!(jobs_per_round >= 1)) {
            throw new ConfigError("jobs_per_round", `must be at least 1, but is ${jobs_per_round}`);
        }
        this.jobsPerRound = jobs_per_round;
    }

    /**
     * Called each round. What waits and what is free are columns of numbers; the host checks every
     * placement, and takes the policy out if it answers nonsense.
     */
    decide(now, waiting, nodes, running) {
        let free = nodes.id.map((_, node) => [nodes.cpusFree[node], nodes.memoryFree[node], nodes.gpusFree[node]]);
        // A job without a limit comes last. The sort is stable: equals stay in the order of submission.
        const length = (job) => waiting.timeLimit[job] || Infinity;
        const order = waiting.id.map((_, job) => job);
        order.sort((one, other) => (length(one) === length(other) ? 0 : length(one) - length(other)));

        const decision = { placements: [], preemptions: [], reasons: [] };
        let started = 0;
        for (const at of order) {
            const job = waiting.id[at];
            if (started === this.jobsPerRound) {
                decision.reasons.push({ job, text: "enough jobs start in this round" });
                continue;
            }
            const wanted = [waiting.cpus[at], waiting.memory[at], waiting.gpus[at]];
            const placed = place(waiting.tasks[at], wanted, free);
            if (placed === null) {
                decision.reasons.push({ job, text: "no node has room for all of its tasks" });
                continue;
            }
            free = placed.left;
            started++;
            for (const node of placed.chosen) decision.placements.push({ job, node: nodes.id[node] });
        }
        return decision;
    }
}

/** A node for each of a job's tasks, which must start together, and what is then left. */
function place(tasks, wanted, free) {
    const left = [...free];
    const chosen = [];
    for (let task = 0; task < tasks; task++) {
        const node = left.findIndex((amounts) => amounts.every((amount, part) => amount >= wanted[part]));
        if (node === -1) return null;
        left[node] = left[node].map((amount, part) => amount - wanted[part]);
        chosen.push(node);
    }
    return { chosen, left };
}

export const policy = plugin("policy", ShortestFirst);
