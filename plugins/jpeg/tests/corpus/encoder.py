"""A small baseline JPEG encoder, for the forms that Pillow reads but does not write.

Any sampling factors, any division into scans, restart intervals, fill bytes, Adobe markers. It is
plain and slow; the corpus is small.
"""

import struct

import numpy as np

ZIGZAG = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
]  # fmt: skip

# A complete code in which every symbol has the same length: simple, and it exercises long codes.
DC_COUNTS = [0, 0, 0, 12] + [0] * 12
DC_SYMBOLS = list(range(12))
AC_SYMBOLS = [0x00, 0xF0] + [run << 4 | size for run in range(16) for size in range(1, 11)]
# Two short codes, the rest of 9 and of 13 bits.
AC_COUNTS = [0, 0, 2, 0, 0, 0, 0, 0, 100, 0, 0, 0, 60, 0, 0, 0]


def codes(counts, symbols):
    """The code and its length for each symbol."""
    table, code, index = {}, 0, 0
    for length, count in enumerate(counts, 1):
        for _ in range(count):
            table[symbols[index]] = (code, length)
            code, index = code + 1, index + 1
        code <<= 1
    return table


DC_CODES = codes(DC_COUNTS, DC_SYMBOLS)
AC_CODES = codes(AC_COUNTS, AC_SYMBOLS)
DCT = np.array(
    [[np.sqrt((1 if k == 0 else 2) / 8) * np.cos((2 * n + 1) * k * np.pi / 16) for n in range(8)] for k in range(8)]
)


def segment(marker, body):
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + bytes(body)


class Bits:
    def __init__(self):
        self.bytes, self.value, self.count = bytearray(), 0, 0

    def put(self, value, count):
        self.value, self.count = self.value << count | value, self.count + count
        while self.count >= 8:
            byte = self.value >> (self.count - 8) & 255
            self.bytes.append(byte)
            if byte == 255:
                self.bytes.append(0)
            self.count -= 8
            self.value &= (1 << self.count) - 1

    def flush(self):
        if self.count:
            self.put((1 << (8 - self.count)) - 1, 8 - self.count)
        done, self.bytes = bytes(self.bytes), bytearray()
        return done


def number(value):
    size = int(abs(value)).bit_length()
    return size, (value if value >= 0 else value + (1 << size) - 1)


def put_block(bits, block, previous):
    size, value = number(int(block[0]) - previous)
    bits.put(*DC_CODES[size])
    bits.put(value, size)
    run = 0
    for k in range(1, 64):
        if block[k] == 0:
            run += 1
            continue
        while run > 15:
            bits.put(*AC_CODES[0xF0])
            run -= 16
        size, value = number(int(block[k]))
        bits.put(*AC_CODES[run << 4 | size])
        bits.put(value, size)
        run = 0
    if run:
        bits.put(*AC_CODES[0])
    return int(block[0])


def encode(planes, size, sampling, step=6, scans=None, restart=0, markers=b"", ids=None, fill=b"", wide=False):
    """Encodes full-size planes of uint8, one for each component; `sampling` are (h, v) for each."""
    width, height = size
    hmax, vmax = max(h for h, _ in sampling), max(v for _, v in sampling)
    ids = ids or list(range(1, len(planes) + 1))
    units = (-(-width // (8 * hmax)), -(-height // (8 * vmax)))
    grids = []
    for plane, (h, v) in zip(planes, sampling, strict=True):
        across, down = hmax // h if hmax % h == 0 else hmax / h, vmax / v
        shape = (units[1] * v * 8, units[0] * h * 8)
        ys = np.minimum((np.arange(shape[0]) * down).astype(int), height - 1)
        xs = np.minimum((np.arange(shape[1]) * across).astype(int), width - 1)
        samples = plane[np.ix_(ys, xs)].astype(float) - 128
        blocks = samples.reshape(shape[0] // 8, 8, shape[1] // 8, 8).transpose(0, 2, 1, 3)
        steps = step * (1 + np.add.outer(np.arange(8), np.arange(8)) / 4)
        steps = np.maximum(1, steps.astype(int))
        blocks = np.round(DCT @ blocks @ DCT.T / steps).astype(int).reshape(*blocks.shape[:2], 64)
        grids.append(blocks[:, :, ZIGZAG])
    steps = steps.reshape(64)[ZIGZAG]
    out = b"\xff\xd8" + markers
    table = steps.astype(">u2").tobytes() if wide else steps.astype("u1").tobytes()
    out += segment(0xDB, bytes([16 if wide else 0]) + table)
    frame = struct.pack(">BHHB", 8, height, width, len(planes))
    for name, (h, v) in zip(ids, sampling, strict=True):
        frame += bytes([name, h << 4 | v, 0])
    out += segment(0xC1 if wide else 0xC0, frame)
    out += segment(0xC4, bytes([0, *DC_COUNTS, *DC_SYMBOLS]))
    out += segment(0xC4, bytes([16, *AC_COUNTS, *AC_SYMBOLS]))
    if restart:
        out += segment(0xDD, struct.pack(">H", restart))
    for scan in scans or [list(range(len(planes)))]:
        header = bytes([len(scan)]) + b"".join(bytes([ids[c], 0]) for c in scan) + bytes([0, 63, 0])
        out += fill + segment(0xDA, header)
        if len(scan) == 1:
            (c,), (h, v) = scan, sampling[scan[0]]
            down, across = -(-height * v // (8 * vmax)), -(-width * h // (8 * hmax))
            if len(planes) == 1:
                down, across = -(-height // 8), -(-width // 8)
            order = [[(c, y, x)] for y in range(down) for x in range(across)]
        else:
            order = [
                [
                    (c, y * sampling[c][1] + v, x * sampling[c][0] + h)
                    for c in scan
                    for v in range(sampling[c][1])
                    for h in range(sampling[c][0])
                ]
                for y in range(units[1])
                for x in range(units[0])
            ]
        bits, previous = Bits(), dict.fromkeys(scan, 0)
        for i, unit in enumerate(order):
            if restart and i and i % restart == 0:
                out += bits.flush() + fill + bytes([0xFF, 0xD0 + (i // restart - 1) % 8])
                previous = dict.fromkeys(scan, 0)
            for c, y, x in unit:
                previous[c] = put_block(bits, grids[c][y, x], previous[c])
        out += bits.flush()
    return out + fill + b"\xff\xd9"
