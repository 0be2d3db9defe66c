"""Which sample comes when: order, labels, epochs, ranks, and resuming."""

from __future__ import annotations

import itertools
import json
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zenith
from conftest import Photos, arrays, copied, epoch, joined
from torchvision.datasets import ImageFolder


def tagged(photos: Photos, batch: int = 5, **sampler: Any) -> zenith.Pipeline:
    """Photographs made so small that they are quick, and still all differ."""
    start = zenith.read_images(photos.folder)
    if sampler:
        start = start.sample(**sampler)
    return start.decode("zenith:jpeg").map("zenith:resize", size=[12, 12]).batch(batch)


@pytest.fixture(scope="session")
def tags(photos: Photos) -> dict[bytes, int]:
    """The index of each photograph by its small image."""
    images, _ = epoch(tagged(photos))
    found = {image.tobytes(): index for index, image in enumerate(images)}
    assert len(found) == len(photos)
    return found


def indices(batches: list[tuple[np.ndarray, ...]], tags: dict[bytes, int]) -> list[int]:
    return [tags[image.tobytes()] for images, _ in batches for image in images]


SHUFFLE = {"plugin": "zenith:shuffle", "seed": 42}


def test_order_and_labels_are_image_folders(photos: Photos) -> None:
    reference = ImageFolder(str(photos.folder))
    assert [
        (str(path), label) for path, label in zip(photos.files, photos.labels, strict=True)
    ] == (reference.samples)
    _, labels = epoch(tagged(photos))
    assert labels.dtype == np.int64
    assert labels.tolist() == reference.targets


def test_a_shuffle_yields_every_sample_once_with_its_label(
    photos: Photos, tags: dict[bytes, int]
) -> None:
    batches = arrays(zenith.DataLoader(tagged(photos, **SHUFFLE), num_workers=2))
    order = indices(batches, tags)
    assert sorted(order) == list(range(len(photos)))
    assert order != sorted(order)
    assert joined(batches)[1].tolist() == [photos.labels[index] for index in order]


def test_each_epoch_has_its_own_order_and_set_epoch_chooses_it(
    photos: Photos, tags: dict[bytes, int]
) -> None:
    loader = zenith.DataLoader(tagged(photos, **SHUFFLE))
    first, second = (indices(arrays(loader), tags) for _ in range(2))
    assert first != second
    loader.set_epoch(1)
    assert indices(arrays(loader), tags) == second
    loader.set_epoch(0)
    assert indices(arrays(loader), tags) == first


def test_without_a_seed_of_its_own_a_shuffle_takes_the_loaders(
    photos: Photos, tags: dict[bytes, int]
) -> None:
    pipeline = tagged(photos, plugin="zenith:shuffle")
    orders = [indices(arrays(zenith.DataLoader(pipeline, seed=seed)), tags) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_shuffle_true_adds_the_sampler(photos: Photos, tags: dict[bytes, int]) -> None:
    plain = zenith.DataLoader(tagged(photos), shuffle=True, seed=1)
    declared = zenith.DataLoader(tagged(photos, plugin="zenith:shuffle"), seed=1)
    assert indices(arrays(plain), tags) == indices(arrays(declared), tags)


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_share_an_epoch(photos: Photos, tags: dict[bytes, int], world_size: int) -> None:
    shares = [
        indices(
            arrays(zenith.DataLoader(tagged(photos, **SHUFFLE), rank=rank, world_size=world_size)),
            tags,
        )
        for rank in range(world_size)
    ]
    assert {len(share) for share in shares} == {len(photos) // world_size}
    assert sorted(itertools.chain(*shares)) == list(range(len(photos)))


def test_torchruns_variables_give_the_rank(
    photos: Photos, tags: dict[bytes, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = zenith.DataLoader(tagged(photos, **SHUFFLE), rank=1, world_size=2)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    found = zenith.DataLoader(tagged(photos, **SHUFFLE))
    assert indices(arrays(found), tags) == indices(arrays(told), tags)
    assert len(found) == len(told) == 3


def test_length_counts_batches(photos: Photos) -> None:
    pipeline = tagged(photos)
    assert len(zenith.DataLoader(pipeline)) == 5
    assert len(zenith.DataLoader(pipeline, drop_last=True)) == 4
    assert len(zenith.DataLoader(pipeline, batch_size=7)) == 4
    sizes = [len(images) for images, _ in arrays(zenith.DataLoader(pipeline, drop_last=True))]
    assert sizes == [5, 5, 5, 5]
    sizes = [len(images) for images, _ in arrays(zenith.DataLoader(pipeline))]
    assert sizes == [5, 5, 5, 5, 4]


@pytest.mark.parametrize("sampler", ["zenith:sequential", "zenith:shuffle", "zenith:weighted"])
@pytest.mark.parametrize(("workers", "batch"), [(0, 5), (2, 5), (3, 2), (1, 64)])
def test_a_loader_resumes_under_other_workers_and_batches(
    photos: Photos, sampler: str, workers: int, batch: int
) -> None:
    config = {"weights": [1.0] * len(photos)} if sampler == "zenith:weighted" else {}
    pipeline = tagged(photos, plugin=sampler, **config)
    loader = zenith.DataLoader(pipeline, num_workers=2, seed=3)
    arrays(loader)
    whole = joined(arrays(loader))
    loader.set_epoch(1)
    iterator = iter(loader)
    taken = [copied(next(iterator)) for _ in range(2)]
    state = json.loads(json.dumps(loader.state_dict()))

    resumed = zenith.DataLoader(pipeline.batch(batch), num_workers=workers, seed=99)
    resumed.load_state_dict(state)
    images, labels = joined(taken + arrays(resumed))
    np.testing.assert_array_equal(images, whole[0])
    np.testing.assert_array_equal(labels, whole[1])
    following = joined(arrays(resumed))
    np.testing.assert_array_equal(following[1], joined(_epoch_two(pipeline))[1])


def _epoch_two(pipeline: zenith.Pipeline) -> list[tuple[np.ndarray, ...]]:
    loader = zenith.DataLoader(pipeline, seed=3)
    loader.set_epoch(2)
    return arrays(loader)


def test_a_state_stands_where_a_broken_loop_left_it(photos: Photos) -> None:
    loader = zenith.DataLoader(tagged(photos, **SHUFFLE), num_workers=2)
    for number, _ in enumerate(loader):
        if number == 1:
            break
    state = loader.state_dict()
    assert (state["epoch"], state["position"]) == (0, 10)
    whole = epoch(tagged(photos, **SHUFFLE))
    loader.load_state_dict(state)
    np.testing.assert_array_equal(joined(arrays(loader))[0], whole[0][10:])
    assert loader.state_dict()["epoch"] == 1
    assert loader.state_dict()["position"] == 0


def test_a_state_is_small_and_versioned(photos: Photos) -> None:
    loader = zenith.DataLoader(tagged(photos, **SHUFFLE))
    next(iter(loader))
    state = loader.state_dict()
    assert state["format"] == 1
    assert len(json.dumps(state)) < 1000


def test_a_state_of_another_pipeline_is_refused(photos: Photos) -> None:
    state = zenith.DataLoader(tagged(photos, **SHUFFLE)).state_dict()
    other = zenith.DataLoader(tagged(photos, plugin="zenith:shuffle", seed=43))
    with pytest.raises(zenith.StateError, match="differ") as caught:
        other.load_state_dict(state)
    assert caught.value.hint
    for wrong in ({}, {"format": 2}, {"x": object()}):
        with pytest.raises(zenith.StateError):
            other.load_state_dict(wrong)
    assert len(arrays(other)) == 5


def write_shards(photos: Photos, folder: Path, shards: int) -> str:
    """The photographs as WebDataset writes them, and the pattern that names the shards."""
    for shard in range(shards):
        with tarfile.open(folder / f"{shard:03}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
            for index in range(shard, len(photos), shards):
                for suffix, data in (
                    ("jpg", photos.files[index].read_bytes()),
                    ("cls", str(photos.labels[index]).encode()),
                ):
                    member = tarfile.TarInfo(f"{index:05}.{suffix}")
                    member.size = len(data)
                    tar.addfile(member, BytesIO(data))
    return str(folder / f"{{000..{shards - 1:03}}}.tar")


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_give_what_the_folder_gives(
    photos: Photos, tags: dict[bytes, int], tmp_path: Path, workers: int
) -> None:
    pattern = write_shards(photos, tmp_path, 3)
    start = zenith.read_webdataset(pattern).decode("zenith:jpeg")
    pipeline = start.map("zenith:resize", size=[12, 12]).batch(5)
    batches = arrays(zenith.DataLoader(pipeline, num_workers=workers))
    order = indices(batches, tags)
    assert order == [index for shard in range(3) for index in range(shard, len(photos), 3)]
    assert joined(batches)[1].tolist() == [photos.labels[index] for index in order]
