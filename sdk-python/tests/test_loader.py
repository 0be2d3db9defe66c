"""The loader's interface: torch's arguments, its own, and what an iterator does."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import torch
import torch.utils.data
import zenith
from conftest import Photos, arrays, copied, epoch, evaluation, training


def test_torchs_arguments_keep_their_names_and_places() -> None:
    def of(loader: Any) -> list[tuple[str, Any]]:
        parameters = inspect.signature(loader.__init__).parameters.values()
        return [(parameter.name, parameter.kind) for parameter in parameters]

    ours, torchs = of(zenith.DataLoader), of(torch.utils.data.DataLoader)
    assert ours[: len(torchs)] == torchs


def test_every_argument_of_torchs_is_accounted_for_in_the_documentation() -> None:
    assert zenith.DataLoader.__doc__ is not None
    for name in inspect.signature(zenith.DataLoader).parameters:
        assert f"`{name}`" in zenith.DataLoader.__doc__, name


@pytest.mark.parametrize(
    "name",
    ["sampler", "batch_sampler", "collate_fn", "worker_init_fn", "multiprocessing_context"],
)
def test_an_argument_without_meaning_is_refused_with_the_way_out(photos: Photos, name: str) -> None:
    options: dict[str, Any] = {name: print}
    with pytest.raises(zenith.OptionError, match=f"`{name}` cannot be honoured") as caught:
        zenith.DataLoader(evaluation(photos.folder), **options)
    assert caught.value.hint
    assert str(caught.value).endswith(f"\nhint: {caught.value.hint}")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"num_workers": -1}, zenith.OptionError, "`num_workers` is from 0"),
        ({"num_workers": 1.5}, TypeError, "`num_workers` is a whole number"),
        ({"engine": "jit"}, zenith.OptionError, '`engine` is one of "auto", "wasm", "native"'),
        ({"fidelity": "low"}, zenith.OptionError, '`fidelity` is one of "exact", "fast"'),
        ({"on_error": "ignore"}, zenith.OptionError, '`on_error` is one of "raise", "skip"'),
        ({"framework": "jax"}, zenith.OptionError, "`framework`"),
        ({"memory_limit": "2 cups"}, zenith.OptionError, '"2GB" or "512MiB"'),
        ({"memory_limit": 0}, zenith.OptionError, "`memory_limit`"),
        ({"memory_limit": 1.5}, TypeError, "`memory_limit`"),
        ({"seed": 2**53}, zenith.OptionError, "`seed` is from 0"),
        ({"rank": 0}, zenith.OptionError, "given together"),
        ({"rank": 2, "world_size": 2}, zenith.OptionError, "`rank` is from 0 to 1"),
        ({"prefetch_factor": 2}, zenith.OptionError, "`prefetch_factor` needs workers"),
        ({"prefetch_factor": 0, "num_workers": 1}, zenith.OptionError, "`prefetch_factor`"),
        ({"timeout": -1}, zenith.OptionError, "`timeout`"),
        ({"batch_size": 0}, zenith.PipelineError, "at least 1"),
    ],
)
def test_a_senseless_option_is_refused(
    photos: Photos, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as caught:
        zenith.DataLoader(evaluation(photos.folder), **options)
    assert words in str(caught.value)


def test_a_loader_takes_a_pipeline_only() -> None:
    with pytest.raises(TypeError, match="takes a pipeline"):
        zenith.DataLoader([1, 2, 3])  # type: ignore[arg-type]


def test_a_declared_order_is_not_overruled_quietly(photos: Photos) -> None:
    with pytest.raises(zenith.OptionError, match="`shuffle` is False"):
        zenith.DataLoader(training(photos.folder), shuffle=False)
    assert zenith.DataLoader(training(photos.folder), shuffle=True).pipeline == training(
        photos.folder
    )


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2 * 10**9), ("512MiB", 2**29), ("1.5 kib", 1536), ("77", 77), (4096, 4096)],
)
def test_a_memory_limit_is_read_as_people_write_it(text: int | str, size: int) -> None:
    from zenith._options import size_in_bytes

    assert size_in_bytes(text) == size


def test_torchs_seed_governs(photos: Photos) -> None:
    def seed(**options: Any) -> int:
        return zenith.DataLoader(evaluation(photos.folder), **options).seed

    torch.manual_seed(5)
    first = seed()
    torch.manual_seed(5)
    assert seed() == first
    assert seed() != first
    generators = [torch.Generator().manual_seed(8) for _ in range(2)]
    assert seed(generator=generators[0]) == seed(generator=generators[1])
    assert seed(seed=17) == 17
    assert seed(rank=1, world_size=2) == 0


def test_batches_are_tensors_of_torch(photos: Photos) -> None:
    images, labels = next(iter(zenith.DataLoader(evaluation(photos.folder))))
    assert images.dtype == torch.float32
    assert images.shape == (8, 3, 96, 96)
    assert labels.dtype == torch.int64
    assert labels.tolist() == photos.labels[:8]


def test_batches_are_arrays_where_that_is_asked_for(photos: Photos) -> None:
    loader = zenith.DataLoader(evaluation(photos.folder), framework="numpy")
    images, _ = next(iter(loader))
    assert isinstance(images, np.ndarray)
    assert images.flags.writeable


def test_iterators_of_one_loader_do_not_disturb_each_other(photos: Photos) -> None:
    loader = zenith.DataLoader(training(photos.folder), num_workers=2, seed=1)
    expected = [arrays(loader) for _ in range(2)]
    loader.set_epoch(0)
    first, second = iter(loader), iter(loader)
    for one, other in zip(*expected, strict=True):
        np.testing.assert_array_equal(copied(next(first))[0], one[0])
        np.testing.assert_array_equal(copied(next(second))[0], other[0])
    assert next(first, None) is next(second, None) is None
    assert next(first, None) is None


def test_a_closed_iterator_is_at_its_end(photos: Photos) -> None:
    iterator = iter(zenith.DataLoader(evaluation(photos.folder), num_workers=1))
    next(iterator)
    iterator.close()
    iterator.close()
    assert next(iterator, None) is None


def test_a_pickled_loader_goes_on_with_the_next_epoch(photos: Photos) -> None:
    loader = zenith.DataLoader(training(photos.folder), num_workers=1, seed=2)
    arrays(loader)
    copy = pickle.loads(pickle.dumps(loader))
    for ours, theirs in zip(arrays(copy), arrays(loader), strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])


def test_what_was_done_is_counted(photos: Photos) -> None:
    loader = zenith.DataLoader(evaluation(photos.folder), num_workers=2)
    arrays(loader)
    stats = loader.stats()
    assert (stats.batches, stats.samples, stats.skipped) == (3, len(photos), 0)
    assert stats.encoded_bytes == sum(path.stat().st_size for path in photos.files)
    assert stats.peak_bytes >= 8 * 3 * 96 * 96 * 4
    decode, resize, _, normalise = stats.stages
    assert "zenith:resize@0.1.0" in resize.operator
    for stage in (decode, resize, normalise):
        assert stage.calls == len(photos)
        assert stage.busy > 0
        assert stage.bytes > 0
    text = loader.explain(analyze=True)
    assert text != loader.explain()


def test_a_batch_too_late_raises_and_can_be_waited_for_again(photos: Photos) -> None:
    loader = zenith.DataLoader(training(photos.folder, size=512), num_workers=1, timeout=1e-9)
    images = 0
    iterator = iter(loader)
    while True:
        try:
            batch = next(iterator, None)
        except TimeoutError as error:
            assert "1e-09 seconds" in str(error)
            continue
        if batch is None:
            break
        images += len(batch[0])
    assert images == len(photos)


def test_without_a_batch_size_a_batch_has_one_sample(photos: Photos) -> None:
    pipeline = zenith.read_images(photos.folder).decode("zenith:jpeg")
    images, labels = epoch(pipeline.map("zenith:resize", size=[8, 9]))
    assert images.shape == (len(photos), 8, 9, 3)
    loader = zenith.DataLoader(pipeline)
    assert (loader.batch_size, loader.drop_last, len(loader)) == (1, False, len(photos))
    assert labels.tolist() == photos.labels
    assert loader.dataset is loader.pipeline
