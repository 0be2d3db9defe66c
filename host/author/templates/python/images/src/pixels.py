"""Arithmetic on all bytes of an image at once, in plain Python.

CPython runs inside WebAssembly here and there is no numpy, so a loop over pixels costs about a
hundred times what it costs in Rust. Each function below is a handful of calls that run over the
whole image inside the interpreter: `bytes.translate`, slices with a step, and sums of very large
integers.

Images are `bytes`, row-major, one byte a channel: `height` × `width` × `channels`.
"""

from collections.abc import Callable, Sequence

# Sums are kept in 16 bits for each byte, the last six of them behind the point.
_FRACTION = 6
_LARGEST = (1 << 16) - 1


def table(function: Callable[[int], float]) -> bytes:
    """What `function` makes of each byte, rounded and held between 0 and 255."""
    return bytes(min(255, max(0, int(function(value) + 0.5))) for value in range(256))


def apply_table(data: bytes, lookup: bytes) -> bytes:
    """Every byte replaced by its entry in a table."""
    return data.translate(lookup)


def apply_tables(data: bytes, lookups: Sequence[bytes]) -> bytes:
    """Every byte replaced by its entry in its channel's table; there is one table for each
    channel."""
    channels = len(lookups)
    result = bytearray(len(data))
    for channel, lookup in enumerate(lookups):
        result[channel::channels] = data[channel::channels].translate(lookup)
    return bytes(result)


def weighted_sum(planes: Sequence[bytes], weights: Sequence[float]) -> bytes:
    """The sum of planes of the same size, each times its weight, rounded and held between 0 and
    255.

    Weights are not negative and add up to less than 4. The result is exact but for rounding: where
    the sum is within 1/32 of a half, it may be rounded the other way.
    """
    if len(planes) != len(weights) or not planes:
        raise ValueError(f"there are {len(planes)} planes and {len(weights)} weights")
    if min(weights) < 0 or 255 * sum(weights) * (1 << _FRACTION) >= _LARGEST - (1 << _FRACTION):
        raise ValueError("weights are not negative and add up to less than 4")
    size = len(planes[0])
    half = int.from_bytes((1 << _FRACTION >> 1).to_bytes(2, "little") * size, "little")
    total = half
    for plane, weight in zip(planes, weights, strict=True):
        shares = [round(value * weight * (1 << _FRACTION)) for value in range(256)]
        lanes = bytearray(2 * size)
        lanes[0::2] = plane.translate(bytes(share & 255 for share in shares))
        lanes[1::2] = plane.translate(bytes(share >> 8 for share in shares))
        total += int.from_bytes(lanes, "little")
    # One shift moves all lanes. What a lane shifts into the one below it are that one's topmost
    # bits.
    shifted = (total >> _FRACTION).to_bytes(2 * size, "little")
    above = shifted[1::2].translate(_ABOVE)
    low = int.from_bytes(shifted[0::2], "little") | int.from_bytes(above, "little")
    return low.to_bytes(size, "little")


# 255 where the upper byte of a shifted lane says that the sum is above 255, else 0. Its topmost
# bits are the fraction of the lane above.
_ABOVE = bytes(255 if value & ((1 << 8 - _FRACTION) - 1) else 0 for value in range(256))


def mix_channels(data: bytes, matrix: Sequence[Sequence[float]]) -> bytes:
    """Every pixel multiplied by a matrix: one row of weights for each channel of the result.

    As for `weighted_sum`, weights are not negative and a row adds up to less than 4.
    """
    channels = len(matrix[0])
    planes = [data[channel::channels] for channel in range(channels)]
    result = bytearray(len(planes[0]) * len(matrix))
    for channel, weights in enumerate(matrix):
        result[channel :: len(matrix)] = weighted_sum(planes, weights)
    return bytes(result)


def blend(one: bytes, other: bytes, share: float) -> bytes:
    """Between two images of the same size: `share` of the second, the rest of the first."""
    return weighted_sum([one, other], [1 - share, share])


def crop(
    data: bytes, width: int, channels: int, window: tuple[int, int, int, int], first: int = 0
) -> bytes:
    """The window `(x, y, width, height)` of an image that is `width` pixels wide and begins at
    `first`."""
    x, y, columns, rows = window
    stride = width * channels
    first += y * stride + x * channels
    starts = range(first, first + rows * stride, stride)
    return b"".join(data[start : start + columns * channels] for start in starts)


def flip_horizontal(data: bytes, width: int, channels: int) -> bytes:
    """The image mirrored left to right."""
    stride = width * channels
    # Backwards, the last row comes first and each pixel's channels are in reverse.
    back = data[::-1]
    mirrored = b"".join(
        back[start : start + stride] for start in range(len(back) - stride, -1, -stride)
    )
    result = bytearray(len(data))
    for channel in range(channels):
        result[channel::channels] = mirrored[channels - 1 - channel :: channels]
    return bytes(result)


def flip_vertical(data: bytes, width: int, channels: int) -> bytes:
    """The image mirrored top to bottom."""
    stride = width * channels
    return b"".join(
        data[start : start + stride] for start in range(len(data) - stride, -1, -stride)
    )
