"""Feeds training loops through WebAssembly plugins, behind the interface of torch's DataLoader.

A pipeline is declared as data, checked before its first batch, and run by threads of a native host.
Every step on a sample is a plugin, named `namespace:name`, found in a local registry.

```python
import zenith

train = (
    zenith.read_images("photos/train")
    .sample("zenith:shuffle", seed=42)
    .decode("zenith:jpeg")
    .map("zenith:random-resized-crop", size=224)
    .map("zenith:normalize", mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    .batch(64)
)
for images, labels in zenith.DataLoader(train, num_workers=2):
    ...
```

`Pipeline` and `DataLoader` are the two types to know; `zenith.errors` is what can go wrong.
"""

from zenith._loader import BatchIterator, DataLoader
from zenith._pipeline import Pipeline, from_file, read_images, read_webdataset
from zenith._stats import LoaderStats, QuarantineEntry, StageStats
from zenith._swap import Swap
from zenith.errors import (
    InternalError,
    MemoryLimitError,
    OptionError,
    PipelineError,
    PluginError,
    RegistryError,
    ResourceError,
    SampleError,
    SourceError,
    StateError,
    ZenithError,
)

__version__ = "0.1.0"

__all__ = [
    "BatchIterator",
    "DataLoader",
    "InternalError",
    "LoaderStats",
    "MemoryLimitError",
    "OptionError",
    "Pipeline",
    "PipelineError",
    "PluginError",
    "QuarantineEntry",
    "RegistryError",
    "ResourceError",
    "SampleError",
    "SourceError",
    "StageStats",
    "StateError",
    "Swap",
    "ZenithError",
    "from_file",
    "read_images",
    "read_webdataset",
]
