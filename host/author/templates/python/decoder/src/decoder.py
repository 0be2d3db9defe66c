"""PPM: images of three bytes for each pixel behind a header of text (`P6`, the width, the height
and 255)."""

import re
from dataclasses import dataclass

import pixels
from wit_world.exports.decoder import Format, Header, Request
from zenith_plugin import (
    ConfigError,
    Decoder,
    InvalidDataError,
    Output,
    TooLargeError,
    UnsupportedDataError,
)

# Three numbers with white space and comments between them, then one byte of white space.
GAP = rb"(?:\s|#[^\n]*\n)*"
HEADER = re.compile(rb"P6" + 3 * (GAP + rb"(\d{1,9})") + rb"\s")


@dataclass
class Ppm(Decoder):
    """The configuration, and what is known of the open sample. An unknown key is refused."""

    max_pixels: int = 100_000_000
    """The most pixels that an image may have, at least 1."""

    def __post_init__(self) -> None:
        """Called once for each worker. An error here stops the pipeline before its first batch."""
        if self.max_pixels < 1:
            raise ConfigError("max_pixels", f"must be at least 1, but is {self.max_pixels}")
        self.data = b""
        self.width = 0
        self.first = 0

    def formats(self) -> list[Format]:
        """By what a decoder is chosen: file names, and the bytes that a sample begins with."""
        return [Format("image/x-portable-pixmap", ["ppm"], b"P6")]

    def open(self, data: bytes) -> Header:
        """Reads the header alone: the host asks for the size of every sample before it decodes
        any of it."""
        header = HEADER.match(data)
        if header is None:
            raise InvalidDataError("it does not begin with `P6` and three numbers")
        width, height, largest = (int(number) for number in header.groups())
        if largest != 255:
            raise UnsupportedDataError(
                f"its values go up to {largest}, and only those with 255 are read"
            )
        count = width * height
        if count == 0:
            raise InvalidDataError(f"it has no pixels: its size is {width}×{height}")
        if count > self.max_pixels:
            raise TooLargeError(
                f"it has {count} pixels, more than the {self.max_pixels} of `max_pixels`"
            )
        there = len(data) - header.end()
        if there < count * 3:
            raise InvalidDataError(f"it ends early: {there} of {count * 3} bytes of pixels")
        self.data, self.width, self.first = data, width, header.end()
        return Header(width, height, orientation=1, reductions=[])

    def decode(self, request: Request, output: Output) -> None:
        """Decodes a window of the sample that was opened last; the host has checked that it lies
        inside."""
        window = request.window
        rows = (window.x, window.y, window.width, window.height)
        output.write(pixels.crop(self.data, self.width, 3, rows, first=self.first))


# The name by which the plugin is found.
Instance = Ppm
