"""Makes the files beside it with Pillow: run it with a Python that has Pillow and numpy.

Every kind of PNG (colour type, bit depth, interlaced or not, every filter), 21 × 13 pixels, written
by hand because Pillow does not write them all; and beside each `<case>.png` what Pillow's
`convert("RGB")` makes of it, `<case>.rgb`.
"""

import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 21, 13
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
NAMES = {0: "grey", 2: "rgb", 3: "palette", 4: "grey_alpha", 6: "rgba"}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
PASSES = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack(samples, depth):
    """One row of samples, [columns, channels], as bytes."""
    flat = samples.reshape(-1)
    if depth == 16:
        return flat.astype(">u2").tobytes()
    bits = np.unpackbits(flat.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth :]
    return np.packbits(bits.reshape(-1)).tobytes()


def filtered(rows, stride, choose):
    """The rows with their filters applied, each behind its filter's number."""
    before, out = None, b""
    for row in rows:
        row = np.frombuffer(row, np.uint8).astype(int)
        up = np.zeros_like(row) if before is None else before
        left = np.concatenate([np.zeros(stride, int), row])[: len(row)]
        corner = np.concatenate([np.zeros(stride, int), up])[: len(row)]
        guess = left + up - corner
        paeth = np.select(
            [
                (abs(guess - left) <= abs(guess - up)) & (abs(guess - left) <= abs(guess - corner)),
                abs(guess - up) <= abs(guess - corner),
            ],
            [left, up],
            corner,
        )
        number = choose()
        out += bytes([number])
        out += ((row - [0 * row, left, up, (left + up) // 2, paeth][number]) % 256).astype(np.uint8).tobytes()
        before = row
    return out


def encode(samples, colour, depth, interlaced, extra, seed):
    random = np.random.default_rng(seed)
    stride = max(1, CHANNELS[colour] * depth // 8)
    images = [samples]
    if interlaced:
        images = [samples[row::rows, column::columns] for row, column, rows, columns in PASSES]
    data = b"".join(
        filtered([pack(row, depth) for row in image], stride, lambda: random.integers(5))
        for image in images
        if image.size
    )
    packed = zlib.compress(data, 9)
    middle = len(packed) // 2
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, int(interlaced))
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), extra]
        + [chunk(b"IDAT", part) for part in (packed[:middle], packed[middle:])]
        + [chunk(b"IEND", b"")]
    )


def write(folder, case, data):
    (folder / f"{case}.png").write_bytes(data)
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    (folder / f"{case}.rgb").write_bytes(pixels.tobytes())


def main():
    folder = pathlib.Path(__file__).parent
    for colour, depths in DEPTHS.items():
        for depth in depths:
            for interlaced in (False, True):
                seed = 1000 * colour + 10 * depth + interlaced
                random = np.random.default_rng(seed)
                # Slopes with noise, so that filters and rounding have something to do.
                slope = np.add.outer(np.arange(HEIGHT) * 5, np.arange(WIDTH) * 3)[..., None]
                noise = random.integers(0, 64, (HEIGHT, WIDTH, CHANNELS[colour]))
                samples = (slope + noise) * (2**depth) // 256 % 2**depth
                if depth == 16:
                    samples = (slope + noise) * 211 % 65536 if colour else (slope + noise) * 2
                extra = b""
                if colour == 3:
                    entries = min(2**depth, 200) - (depth > 2)
                    extra = chunk(b"PLTE", random.integers(0, 256, 3 * entries, np.uint8).tobytes())
                    extra += chunk(b"tRNS", bytes(range(0, min(entries, 50))))
                elif colour == 0:
                    extra = chunk(b"tRNS", struct.pack(">H", int(samples[0, 0, 0])))
                elif colour == 2:
                    extra = chunk(b"tRNS", struct.pack(">HHH", *(int(value) for value in samples[0, 0])))
                name = f"{NAMES[colour]}_{depth}{'_interlaced' if interlaced else ''}"
                write(folder, name, encode(samples, colour, depth, interlaced, extra, seed))
    # So small that most passes are empty.
    for width, height in ((1, 1), (2, 5), (5, 2)):
        samples = np.random.default_rng(width).integers(0, 256, (height, width, 3))
        write(folder, f"tiny_{width}x{height}_interlaced", encode(samples, 2, 8, True, b"", 1))
    # Turned by EXIF, which is told and not applied.
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    samples = np.random.default_rng(3).integers(0, 256, (4, 7, 3))
    write(folder, "turned", encode(samples, 2, 8, False, chunk(b"eXIf", exif), 1))


main()
