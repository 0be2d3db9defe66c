"""Makes the files beside it with torchvision: run it with a Python that has torch, torchvision and
scikit-learn.

`image.rgb` is 64 × 48 pixels, [height, width, channels]: a part of a photograph, then pixels drawn
at random, then greys and pure colours. `<function>_<factor>.rgb` is what torchvision's v2 function
`adjust_<function>` makes of it as a uint8 tensor; `grey_contrast_1.7.bin` is from the red plane alone.
"""

import pathlib

import numpy as np
import torch
from sklearn.datasets import load_sample_image
from torchvision.transforms.v2 import functional as F

folder = pathlib.Path(__file__).parent
photograph = load_sample_image("flower.jpg")[150:182, 250:314]
drawn = np.random.default_rng(7).integers(0, 256, (12, 64, 3), dtype=np.uint8)
greys = np.repeat(np.arange(0, 256, 2, dtype=np.uint8).reshape(2, 64, 1), 3, axis=2)
pure = np.array([[r, g, b] for r in (0, 127, 254, 255) for g in (0, 1, 128, 255) for b in (0, 2, 129, 255)])
pure = np.tile(pure.astype(np.uint8).reshape(1, 64, 3), (2, 1, 1))
image = np.ascontiguousarray(np.concatenate([photograph, drawn, greys, pure]))
assert image.shape == (48, 64, 3)
(folder / "image.rgb").write_bytes(image.tobytes())

tensor = torch.from_numpy(image).permute(2, 0, 1).contiguous()
for function, factors in {
    "brightness": (0.0, 0.37, 1.4),
    "contrast": (0.0, 0.6, 1.7),
    "saturation": (0.0, 0.45, 1.8),
    "hue": (-0.5, -0.1, 0.0, 0.27),
}.items():
    for factor in factors:
        result = getattr(F, f"adjust_{function}")(tensor, factor)
        (folder / f"{function}_{factor}.rgb").write_bytes(
            result.permute(1, 2, 0).contiguous().numpy().tobytes()
        )
(folder / "grey_contrast_1.7.bin").write_bytes(F.adjust_contrast(tensor[:1], 1.7).numpy().tobytes())
