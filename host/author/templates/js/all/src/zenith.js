// What a plugin in JavaScript builds on: errors, a configuration that is checked, and the class that the
// interface asks for.

import { write } from "zenith:plugin/log@0.1.0";

/**
 * Why a plugin did not do what it was asked. It spoils one sample; any other exception costs the instance
 * as well, and is logged with its line.
 */
class PluginError extends Error {
    constructor(tag, text, val = text) {
        super(text);
        this.told = { tag, val };
    }
}

/** A configuration that the plugin does not take: its key, and a clause that says why not. */
export class ConfigError extends PluginError {
    constructor(key, reason) {
        super("config", `\`${key}\` ${reason}`, { key, reason });
    }
}

/** The plugin does not take a tensor of this type; the text says which it takes. */
export class UnsupportedType extends PluginError {
    constructor(text) {
        super("unsupported-type", text);
    }
}

/** The sample's bytes are damaged; the text says where and how. */
export class InvalidData extends PluginError {
    constructor(text) {
        super("invalid-data", text);
    }
}

/** The sample is sound, but of a form that the plugin does not handle. */
export class UnsupportedData extends PluginError {
    constructor(text) {
        super("unsupported-data", text);
    }
}

/** The sample is larger than the plugin's configuration allows. */
export class TooLarge extends PluginError {
    constructor(text) {
        super("too-large", text);
    }
}

/** Saved state is not this plugin's, or of a version that it does not read. */
export class InvalidState extends PluginError {
    constructor(text) {
        super("invalid-state", text);
    }
}

/** A type as Zenith writes it, such as `uint8[?, ?, 3]`. */
export function describe({ dtype, shape }) {
    return `${dtype}[${shape.map((extent) => extent ?? "?").join(", ")}]`;
}

/** What a transform makes of an input; `wit/transform.wit` says what each of `more` means. */
export function effect(output, more = {}) {
    return { output, seeded: false, windowed: false, cropOnly: false, reducible: false, ...more };
}

// The methods of each kind, which of them a plugin may leave out and what is done then, and where among
// its arguments a method is given the seed.
const KINDS = {
    transform: {
        methods: ["plan", "apply"],
        optional: { window: (width, height) => ({ x: 0, y: 0, width, height }) },
        seeds: { apply: 1, window: 2 },
    },
    batchTransform: { methods: ["plan", "apply"], optional: {}, seeds: { apply: 1 } },
    decoder: {
        methods: ["formats", "open", "decode"],
        optional: { plan: () => ({ dtype: "uint8", shape: [null, null, 3] }) },
        seeds: {},
    },
    sampler: { methods: ["start", "next", "save", "restore"], optional: {}, seeds: {} },
    policy: { methods: ["decide"], optional: { save: () => new Uint8Array(), restore: refuse }, seeds: {} },
};

function refuse(state) {
    if (state.length > 0) throw new InvalidState(`it keeps no state, and was given ${state.length} bytes`);
}

/**
 * What a plugin's module exports for its kind (`transform`, `batchTransform`, `decoder`, `sampler` or
 * `policy`). `Class` is made with the configuration, whose keys and defaults it names in
 * `static defaults`.
 */
export function plugin(kind, Class) {
    const { methods, optional, seeds } = KINDS[kind];
    const missing = methods.find((name) => typeof Class.prototype[name] !== "function");
    if (missing !== undefined) throw new TypeError(`class \`${Class.name}\` lacks the method \`${missing}\``);

    class Instance {
        constructor(own) {
            this.own = own;
        }

        static configure(text) {
            return guarded(() => new Instance(new Class(checked(Class.defaults ?? {}, text))));
        }
    }
    for (const name of [...methods, ...Object.keys(optional)]) {
        const at = seeds[name];
        Instance.prototype[name] = function (...values) {
            // Seeds are below 2⁵³, and some engines hand them over as a `BigInt`.
            if (at !== undefined) state = values[at] = Number(values[at]);
            const own = this.own;
            return guarded(() => (own[name] ? own[name](...values) : optional[name](...values)));
        };
    }
    return { Instance };
}

function checked(defaults, text) {
    let config;
    try {
        config = JSON.parse(text);
    } catch (error) {
        throw new ConfigError("", `is not JSON: ${error.message}`);
    }
    if (config === null || typeof config !== "object" || Array.isArray(config)) {
        throw new ConfigError("", "must be a JSON object");
    }
    for (const [key, value] of Object.entries(config)) {
        if (!Object.hasOwn(defaults, key)) {
            const known = Object.keys(defaults).map((name) => `\`${name}\``).join(", ") || "none";
            throw new ConfigError(key, `is not a key of this plugin; there are: ${known}`);
        }
        const wanted = typeof defaults[key];
        if (typeof value !== wanted || value === null) {
            throw new ConfigError(key, `must be a ${wanted}, but is ${JSON.stringify(value)}`);
        }
    }
    return { ...defaults, ...config };
}

/** Calls, with errors told as the interface has them. */
function guarded(call) {
    try {
        return call();
    } catch (error) {
        if (error instanceof PluginError) throw error.told;
        const where = String(error?.stack ?? "").match(/src\/(?!zenith\.js)[^:)]*:\d+/)?.[0];
        write("error", `${error?.name}: ${error?.message}${where ? ` (${where})` : ""}`);
        throw error;
    }
}

// `Math.random` begins from the sample's seed at each call that is given one: what it draws then depends on
// nothing else (Steele and Vigna, "SplitMix", in 32 bits).
let state = 0;
Math.random = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let bits = state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
    return ((bits ^ (bits >>> 15)) >>> 0) / 0x100000000;
};

// What the plugin prints goes to Zenith's log.
function lines(level) {
    const text = (value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? String(value)));
    return (...values) => write(level, values.map(text).join(" "));
}
globalThis.console = {
    error: lines("error"),
    warn: lines("warn"),
    info: lines("info"),
    log: lines("info"),
    debug: lines("debug"),
};
