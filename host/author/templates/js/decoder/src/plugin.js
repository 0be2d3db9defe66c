// PPM: images of three bytes for each pixel behind a header of text (`P6`, the width, the height and 255).

import { crop } from "./pixels.js";
import { ConfigError, InvalidData, TooLarge, UnsupportedData, plugin } from "./zenith.js";

class Ppm {
    /** The configuration. An unknown key is refused. */
    static defaults = {
        /** The most pixels that an image may have, at least 1. */
        max_pixels: 100_000_000,
    };

    /** Called once for each worker. An error here stops the pipeline before its first batch. */
    constructor({ max_pixels }) {
        if (!(max_pixels >= 1)) throw new ConfigError("max_pixels", `must be at least 1, but is ${max_pixels}`);
        this.maxPixels = max_pixels;
    }

    /** By what a decoder is chosen: file names, and the bytes that a sample begins with. */
    formats() {
        const magic = Uint8Array.of(0x50, 0x36);
        return [{ mediaType: "image/x-portable-pixmap", extensions: ["ppm"], magic }];
    }

    /** Reads the header alone: the host asks for the size of every sample before it decodes any of it. */
    open(data) {
        if (data[0] !== 0x50 || data[1] !== 0x36) throw new InvalidData("it does not begin with `P6`");
        const reader = { data, at: 2 };
        const [width, height, largest] = [number(reader), number(reader), number(reader)];
        // One byte of white space, then the pixels.
        const first = reader.at + 1;
        if (largest !== 255) {
            throw new UnsupportedData(`its values go up to ${largest}, and only those with 255 are read`);
        }
        const count = width * height;
        if (count === 0) throw new InvalidData(`it has no pixels: its size is ${width}×${height}`);
        if (count > this.maxPixels) {
            throw new TooLarge(`it has ${count} pixels, more than the ${this.maxPixels} of \`max_pixels\``);
        }
        const there = Math.max(0, data.length - first);
        if (there < count * 3) {
            throw new InvalidData(`it ends early: ${there} of ${count * 3} bytes of pixels`);
        }
        Object.assign(this, { data, width, first });
        return { width, height, orientation: 1, reductions: new Uint32Array() };
    }

    /** Decodes a window of the sample that was opened last; the host has checked that it lies inside. */
    decode(request, output) {
        output.write(crop(this.data, this.width, 3, request.window, this.first));
    }
}

/** The next number of a header, with white space and comments before it. */
function number(reader) {
    const { data } = reader;
    let comment = false;
    for (; reader.at < data.length; reader.at++) {
        const byte = data[reader.at];
        if (byte === 0x0a) comment = false;
        else if (byte === 0x23) comment = true;
        else if (!comment && byte !== 0x20 && !(byte >= 0x09 && byte <= 0x0d)) break;
    }
    const begin = reader.at;
    let value = 0;
    for (; data[reader.at] >= 0x30 && data[reader.at] <= 0x39; reader.at++) {
        value = value * 10 + data[reader.at] - 0x30;
    }
    if (reader.at === begin || value > 0xffffffff) {
        throw new InvalidData(`its header has no number at byte ${begin}`);
    }
    return value;
}

export const decoder = plugin("decoder", Ppm);
