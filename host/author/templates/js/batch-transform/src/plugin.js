// Blend: each sample of a batch is mixed with the one after it, and the last with the first, as mixup does
// with a partner that is always the same.

import { ConfigError, UnsupportedType, describe, plugin } from "./zenith.js";

class Blend {
    /** The configuration. An unknown key is refused. */
    static defaults = {
        /** How much of the next sample is mixed in, from 0 to 1. */
        ratio: 0.5,
    };

    /** Called once for each worker. An error here stops the pipeline before its first batch. */
    constructor({ ratio }) {
        if (!(ratio >= 0 && ratio <= 1)) throw new ConfigError("ratio", `must be between 0 and 1, but is ${ratio}`);
        this.ratio = ratio;
    }

    /** Called when a pipeline is planned, with the type of each field; their first extent is the batch's. */
    plan(inputs) {
        for (const input of inputs) {
            if (input.dtype !== "float32" || input.shape.length === 0) {
                throw new UnsupportedType(`it takes float32[batch, ...], not ${describe(input)}`);
            }
        }
        return { outputs: inputs, seeded: false };
    }

    /** Called for each batch: writes the first field whole, then the second, and so on. */
    apply(inputs, seed, output) {
        const own = 1 - this.ratio;
        const other = this.ratio;
        for (const { data, shape } of inputs) {
            const values = new Float32Array(data.slice().buffer);
            const size = values.length / Math.max(1, shape[0]);
            const mixed = new Float32Array(values.length);
            for (let at = 0, end = values.length; at < end; at++) {
                // A value's partner is a sample further on, and round again.
                const partner = at + size < end ? at + size : at + size - end;
                mixed[at] = own * values[at] + other * values[partner];
            }
            output.write(new Uint8Array(mixed.buffer));
        }
    }
}

export const batchTransform = plugin("batchTransform", Blend);
