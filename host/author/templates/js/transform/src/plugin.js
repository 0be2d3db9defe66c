// Solarisation: each value of an RGB image that reaches a threshold is inverted.

import { applyPairs, pairs, table } from "./pixels.js";
import { ConfigError, UnsupportedType, describe, effect, plugin } from "./zenith.js";

class Solarize {
    /** The configuration. An unknown key is refused. */
    static defaults = {
        /** The smallest value that is inverted, from 0 to 256. */
        threshold: 128,
    };

    /** Called once for each worker. An error here stops the pipeline before its first batch. */
    constructor({ threshold }) {
        if (!(threshold >= 0 && threshold <= 256)) {
            throw new ConfigError("threshold", `must be from 0 to 256, but is ${threshold}`);
        }
        this.lookup = pairs(table((value) => (value >= threshold ? 255 - value : value)));
    }

    /**
     * Called when a pipeline is planned: what comes of a tensor of this type. An effect that is not `seeded`
     * says that the result may be kept.
     */
    plan(input) {
        if (input.dtype !== "uint8" || input.shape.length !== 3 || input.shape[2] !== 3) {
            throw new UnsupportedType(`it takes uint8[height, width, 3], not ${describe(input)}`);
        }
        return effect(input);
    }

    /** Called for each sample. What `plan` has promised must be written whole. */
    apply(input, seed, output) {
        output.write(applyPairs(input.data, this.lookup));
    }
}

export const transform = plugin("transform", Solarize);
