"""Makes the files beside it with torchvision: run it with a Python that has torch and torchvision.

Each case is an image of bytes, `<case>.u8` ([height, width, channels]), and what torchvision makes
of it, `<case>.f32` ([channels, height, width], little-endian). `normalize/tests/golden.rs` holds the
same means and deviations.
"""

import pathlib

import torch
from torchvision.transforms import v2

CASES = {
    # Every byte in every channel, in different orders.
    "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], (16, 16, 3)),
    # Deviations that are no power of two, a negative one, and one that is tiny.
    "odd": ([-3.7, 0.1, 1e-20, 255.0], [-0.3, 7.1, 1e-30, 3.0], (16, 16, 4)),
    "grey": ([0.1307], [0.3081], (16, 16, 1)),
}

folder = pathlib.Path(__file__).parent
for case, (mean, std, (height, width, channels)) in CASES.items():
    values = torch.arange(256, dtype=torch.int64)
    image = torch.stack([(values * 37 * (2 * c + 1) + 11 * c) % 256 for c in range(channels)])
    image = image.to(torch.uint8).reshape(channels, height, width)
    (folder / f"{case}.u8").write_bytes(image.permute(1, 2, 0).contiguous().numpy().tobytes())
    transform = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)])
    (folder / f"{case}.f32").write_bytes(transform(image).contiguous().numpy().tobytes())
