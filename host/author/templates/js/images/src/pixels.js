// Arithmetic on all bytes of an image, in plain JavaScript.
//
// It is interpreted inside WebAssembly, without a just-in-time compiler, so that each step of a loop costs
// hundreds of times what it costs in Rust. The functions below take few steps: they move whole rows,
// read four bytes at a time, and look results up instead of computing them.
//
// Images are `Uint8Array`s, row-major, one byte a channel: `height` × `width` × `channels`. The bytes that
// `apply` is given are the plugin's own, and may be changed.

/** What `f` makes of each byte, rounded and held between 0 and 255. */
export function table(f) {
    return Uint8ClampedArray.from({ length: 256 }, (_, value) => Math.floor(f(value) + 0.5));
}

/** A table for two bytes at a time. It has 65536 entries: make it once for each plugin, not for each sample. */
export function pairs(lookup) {
    const both = new Uint16Array(65536);
    for (let high = 0; high < 256; high++) {
        const upper = lookup[high] << 8;
        for (let low = 0; low < 256; low++) both[(high << 8) | low] = upper | lookup[low];
    }
    return both;
}

/** Every byte replaced by its entry in the table that `pairs` was made of, in place. */
export function applyPairs(data, both) {
    const aligned = data.byteOffset % 4 === 0 ? data : data.slice();
    const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
    for (let at = 0, end = words.length; at < end; at++) {
        const word = words[at];
        words[at] = both[word & 0xffff] | (both[word >>> 16] << 16);
    }
    for (let at = words.length * 4; at < aligned.length; at++) aligned[at] = both[aligned[at]];
    return aligned;
}

/** Every pixel of three channels multiplied by a 3 × 3 matrix, in place: one row of weights for each channel
 * of the result. */
export function mixChannels(data, matrix) {
    const [[rr, rg, rb], [gr, gg, gb], [br, bg, bb]] = matrix;
    // Stores what is put into it rounded, and held between 0 and 255.
    const result = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
    for (let at = 0, end = data.length; at < end; at += 3) {
        const r = data[at];
        const g = data[at + 1];
        const b = data[at + 2];
        result[at] = rr * r + rg * g + rb * b;
        result[at + 1] = gr * r + gg * g + gb * b;
        result[at + 2] = br * r + bg * g + bb * b;
    }
    return data;
}

/** The window of an image that is `width` pixels wide and begins at `first`. */
export function crop(data, width, channels, { x, y, width: columns, height: rows }, first = 0) {
    const stride = width * channels;
    const length = columns * channels;
    const result = new Uint8Array(rows * length);
    let from = first + y * stride + x * channels;
    for (let to = 0; to < result.length; to += length, from += stride) {
        result.set(data.subarray(from, from + length), to);
    }
    return result;
}

/** The image mirrored left to right. */
export function flipHorizontal(data, width, channels) {
    const stride = width * channels;
    const result = data.slice();
    // A row backwards is mirrored, but for the order of each pixel's channels.
    for (let row = 0; row < result.length; row += stride) result.subarray(row, row + stride).reverse();
    for (let low = 0, high = channels - 1; low < high; low++, high--) {
        for (let at = 0, end = result.length; at < end; at += channels) {
            const value = result[at + low];
            result[at + low] = result[at + high];
            result[at + high] = value;
        }
    }
    return result;
}

/** The image mirrored top to bottom. */
export function flipVertical(data, width, channels) {
    const stride = width * channels;
    const result = new Uint8Array(data.length);
    for (let row = 0; row < data.length; row += stride) {
        result.set(data.subarray(row, row + stride), data.length - stride - row);
    }
    return result;
}

/** Between two images of the same size: `share` of the second, the rest of the first. */
export function blend(one, other, share) {
    const result = new Uint8ClampedArray(one.length);
    const rest = 1 - share;
    for (let at = 0, end = one.length; at < end; at++) result[at] = rest * one[at] + share * other[at];
    return result;
}
