"""Makes the files beside it with torchvision: run it with a Python that has torch and torchvision.

`<dtype>.scaled` and `<dtype>.plain` are what v2's `ToDtype` makes of the bytes 0 to 255, with and
without scaling, little-endian.
"""

import pathlib

import torch
from torchvision.transforms import v2

folder = pathlib.Path(__file__).parent
values = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
    name = str(dtype).removeprefix("torch.")
    for scale in (True, False):
        result = v2.ToDtype(dtype, scale=scale)(values).reshape(256)
        path = folder / f"{name}.{'scaled' if scale else 'plain'}"
        path.write_bytes(result.view(torch.uint8).numpy().tobytes())
