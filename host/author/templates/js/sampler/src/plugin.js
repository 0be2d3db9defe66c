// Every n-th sample, in order.

import { ConfigError, InvalidState, plugin } from "./zenith.js";

/**
 * Of an order of `length` positions, rank `r` of `w` takes `r`, `r + w`, `r + 2w`, …, so that all ranks get
 * equally many; the last may begin again at the front.
 */
class EveryNth {
    /** The configuration. An unknown key is refused. */
    static defaults = {
        /** How far apart the samples are, at least 1. */
        every: 2,
    };

    /** Called once. An error here stops the pipeline before its first batch. */
    constructor({ every }) {
        if (!(every >= 1)) throw new ConfigError("every", `must be at least 1, but is ${every}`);
        this.every = every;
    }

    /**
     * Begins an epoch: an order that changes from epoch to epoch would use `population.seed` and
     * `population.epoch`.
     */
    start(population) {
        this.length = Math.ceil(population.length / this.every);
        this.rank = population.rank;
        this.ranks = population.worldSize;
        // Positions that all ranks together had taken when this part of the epoch began, and what this rank
        // has taken since.
        this.base = 0;
        this.taken = 0;
        return this.remaining();
    }

    /** What this rank has yet to take. */
    remaining() {
        return Math.ceil(Math.max(0, this.length - this.base) / this.ranks) - this.taken;
    }

    /** Hands over the next indices, at most `limit`; thousands at a time are usual. */
    next(limit) {
        const run = new Array(Math.min(this.remaining(), limit));
        for (let at = 0; at < run.length; at++, this.taken++) {
            const position = (this.base + this.taken * this.ranks + this.rank) % this.length;
            run[at] = position * this.every;
        }
        return run;
    }

    /** Where the epoch stands, in a form that any number of ranks can go on from. */
    save() {
        const state = new DataView(new ArrayBuffer(8));
        const position = Math.min(this.base + this.taken * this.ranks, this.length);
        state.setBigUint64(0, BigInt(position), true);
        return new Uint8Array(state.buffer);
    }

    /** Goes on from a saved place, after a `start` with the same population. */
    restore(state) {
        if (state.length !== 8) throw new InvalidState(`it is a position in 8 bytes, not ${state.length} bytes`);
        const position = Number(new DataView(state.slice().buffer).getBigUint64(0, true));
        if (position > this.length) {
            throw new InvalidState(`position ${position} is beyond the ${this.length} there are`);
        }
        this.base = position;
        this.taken = 0;
    }
}

export const sampler = plugin("sampler", EveryNth);
