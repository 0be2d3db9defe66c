"""Makes `shards.json` beside it with torch: run it with a Python that has torch.

The shards that torch's `DistributedSampler` cuts an unshuffled dataset into, for every small length,
world size and `drop_last`: `[length, world_size, drop_last, shards]`.
"""

import json
import pathlib

from torch.utils.data import DistributedSampler

cases = []
for length in range(1, 14):
    for world_size in (1, 2, 3, 4, 7):
        for drop_last in (False, True):
            shards = [
                list(DistributedSampler(range(length), world_size, rank, shuffle=False, drop_last=drop_last))
                for rank in range(world_size)
            ]
            cases.append([length, world_size, drop_last, shards])
path = pathlib.Path(__file__).with_name("shards.json")
path.write_text("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
