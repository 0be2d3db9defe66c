"""Tensors are lent without a copy, and their memory comes home when the last user is gone."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
import torch
import zenith
from conftest import Photos, evaluation
from zenith import _native

CPU = (1, 0)


@pytest.fixture
def loader(photos: Photos) -> zenith.DataLoader:
    """A loader whose memory can be counted."""
    return zenith.DataLoader(evaluation(photos.folder), framework="numpy")


def first_images(loader: zenith.DataLoader) -> _native.Tensor:
    """The native tensor of the first batch's images, whose epoch is over."""
    epoch = loader._begin()
    tensors = epoch.next()
    assert tensors is not None
    epoch.close()
    return tensors[0]


@pytest.fixture
def tensor(loader: zenith.DataLoader) -> _native.Tensor:
    """A tensor to lend."""
    return first_images(loader)


class Legacy:
    """An exporter from before DLPack 1.0, whose `__dlpack__` takes no version."""

    def __init__(self, tensor: _native.Tensor) -> None:
        self.tensor = tensor

    def __dlpack__(self, stream: None = None) -> Any:
        return self.tensor.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.tensor.__dlpack_device__()


def test_all_consumers_see_the_same_memory(tensor: _native.Tensor) -> None:
    consumers = [
        torch.from_dlpack(tensor).numpy(),
        torch.from_dlpack(Legacy(tensor)).numpy(),
        np.from_dlpack(tensor),
    ]
    addresses = {array.__array_interface__["data"][0] for array in consumers}
    assert len(addresses) == 1
    assert addresses.pop() % 64 == 0
    consumers[0][0, 0, 0, 0] = 42
    assert consumers[1][0, 0, 0, 0] == consumers[2][0, 0, 0, 0] == 42


def test_a_tensor_says_what_it_is(tensor: _native.Tensor) -> None:
    assert (tensor.name, tensor.dtype, tensor.shape) == ("image", "float32", (8, 3, 96, 96))
    assert tensor.__dlpack_device__() == CPU
    assert "image" in repr(tensor)


def test_the_form_of_the_capsule_is_what_the_consumer_takes(tensor: _native.Tensor) -> None:
    assert '"dltensor"' in repr(tensor.__dlpack__())
    assert '"dltensor"' in repr(tensor.__dlpack__(max_version=(0, 8)))
    assert '"dltensor_versioned"' in repr(tensor.__dlpack__(max_version=(1, 1)))


@pytest.mark.parametrize("version", [None, (1, 0)])
@pytest.mark.parametrize("taken", [False, True])
def test_memory_comes_home_whether_a_capsule_is_taken_or_not(
    loader: zenith.DataLoader, version: tuple[int, int] | None, taken: bool
) -> None:
    tensor = first_images(loader)
    address = np.from_dlpack(tensor).__array_interface__["data"][0]
    capsule = tensor.__dlpack__(max_version=version)
    del tensor
    held = [torch.utils.dlpack.from_dlpack(capsule)[2:4]] if taken else []
    lent_again = first_images(loader)
    assert np.from_dlpack(lent_again).__array_interface__["data"][0] != address
    del capsule, lent_again
    if taken:
        assert float(held.pop().sum()) != 0
    later = [np.from_dlpack(first_images(loader)) for _ in range(4)]
    assert address in [array.__array_interface__["data"][0] for array in later]


def test_a_batch_is_used_again_once_its_tensors_are_gone(loader: zenith.DataLoader) -> None:
    addresses = []
    for images, labels in loader:
        addresses.append(images.__array_interface__["data"][0])
        del images, labels
        gc.collect()
    assert len(addresses) == 3
    assert len(set(addresses)) <= 2


def test_a_kept_batch_keeps_its_pixels(loader: zenith.DataLoader) -> None:
    kept, copies = [], []
    for images, _ in loader:
        kept.append(images[1:2])
        copies.append(images[1:2].copy())
    for one, other in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_copy_is_the_consumers_own(tensor: _native.Tensor) -> None:
    shared = np.from_dlpack(tensor)
    own = np.from_dlpack(tensor, copy=True)
    assert own.__array_interface__["data"][0] != shared.__array_interface__["data"][0]
    np.testing.assert_array_equal(own, shared)
    own[...] = 0
    assert shared.any()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"stream": 1}, "no stream"), ({"dl_device": (2, 0)}, "lies on the CPU")],
)
def test_what_cannot_be_lent_is_refused(
    tensor: _native.Tensor, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(BufferError, match=words):
        tensor.__dlpack__(**options)


def test_the_device_may_be_named(tensor: _native.Tensor) -> None:
    assert torch.utils.dlpack.from_dlpack(tensor.__dlpack__(dl_device=CPU)).shape == (8, 3, 96, 96)
