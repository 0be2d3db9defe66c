"""Swapping a plugin of a loader that runs: every batch is made by one version, none is lost, and a
swap that fails changes nothing."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zenith
from conftest import Photos, arrays, copied

COMMAND = [sys.executable, "-m", "zenith._cli"]
SHADE = Path(__file__).parent / "shade"

Publish = Callable[..., None]


@pytest.fixture(scope="session")
def shade(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The guest in `shade/`, as version 1.2.0."""
    if shutil.which("cargo") is None:
        pytest.skip("cargo is not installed, and the guest in `shade/` is built with it")
    output = tmp_path_factory.mktemp("shade") / "shade.wasm"
    foreign = ("CARGO_BUILD", "CARGO_ENCODED", "RUSTC", "RUSTFLAGS", "LLVM_PROFILE")
    result = subprocess.run(
        [*COMMAND, "plugin", "build", str(SHADE), "--output", str(output)],
        env={name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return output.read_bytes()


@pytest.fixture
def publish(shade: bytes) -> Publish:
    """Puts versions `1.N.0` of the guest into the project's registry."""

    def put(*minors: int) -> None:
        # The manifest that the component carries, and the copy of it that the guest reads.
        texts = ['"version":"1.%d.0"', 'version = "1.%d.0"']
        assert all(shade.count((text % 2).encode()) == 1 for text in texts)
        for minor in minors:
            data = shade
            for text in texts:
                data = data.replace((text % 2).encode(), (text % minor).encode())
            file = Path(f".zenith/registry/acme/shade/1.{minor}.0.wasm")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    return put


def painted(
    photos: Photos, version: str = "1.2.0", batch: int = 4, **config: int
) -> zenith.Pipeline:
    return (
        zenith.read_images(photos.folder)
        .decode("zenith:jpeg")
        .map("zenith:center-crop", size=16)
        .map(f"acme:shade@{version}", **config)
        .batch(batch)
    )


def shade_of(batch: tuple[np.ndarray, ...]) -> int:
    """The one shade of a batch."""
    shades = np.unique(batch[0])
    assert len(shades) == 1, f"a batch of several shades: {shades}"
    return int(shades[0])


@pytest.mark.parametrize("num_workers", [0, 1, 2, 4])
def test_swaps_under_load_lose_duplicate_and_mix_no_batch(
    photos: Photos, publish: Publish, num_workers: int
) -> None:
    publish(2, 3)
    loader = zenith.DataLoader(painted(photos), num_workers=num_workers)
    over = threading.Event()
    failed: list[BaseException] = []

    def swap() -> None:
        try:
            for _, version in zip(range(200), itertools.cycle(["1.3.0", "1.2.0"]), strict=False):
                assert loader.swap("acme:shade", version).operators.keys() == {3}
        except BaseException as error:
            failed.append(error)
        finally:
            over.set()

    swapper = threading.Thread(target=swap)
    swapper.start()
    shades: list[int] = []
    epochs = 0
    while not over.is_set() or epochs == 0:
        labels = []
        for batch in loader:
            mine = copied(batch)
            shades.append(shade_of(mine))
            labels += mine[1].tolist()
        assert labels == photos.labels
        epochs += 1
    swapper.join()
    assert not failed
    assert set(shades) <= {20, 30} and len(shades) == epochs * 6
    stats = loader.stats()
    assert (stats.batches, stats.samples) == (epochs * 6, epochs * len(photos))


def test_a_swap_takes_effect_at_a_batch_boundary_and_everything_follows(
    photos: Photos, publish: Publish
) -> None:
    publish(2)
    pipeline = painted(photos, "^1.2")
    loader = zenith.DataLoader(pipeline, num_workers=2)
    iterator = iter(loader)
    assert shade_of(copied(next(iterator))) == 20
    # Published while the loader runs.
    publish(3)
    swap = loader.swap("acme:shade", "^1.3")
    assert swap == zenith.Swap("acme:shade@1.3.0", {3: "acme:shade@1.2.0"})
    shades = [shade_of(copied(batch)) for batch in iterator]
    assert len(shades) == 5 and shades == sorted(shades) and shades[-1] == 30

    assert "acme:shade@1.3.0" in loader.explain() and "1.2.0" not in loader.explain()
    assert loader.pipeline.operators[2]["map"] == "acme:shade@1.3.0"
    assert pipeline.operators[2]["map"] == "acme:shade@^1.2", "the declared pipeline never changes"
    operators = {stage.operator: stage.calls for stage in loader.stats().stages}
    old, new = (operators[f"transform `acme:shade@1.{minor}.0`"] for minor in (2, 3))
    assert old + new == len(photos) and old > 0 and new > 0
    assert loader.swap("acme:shade", "1.3.0") == zenith.Swap("acme:shade@1.3.0", {})


def test_every_operator_that_is_the_plugin_is_swapped_with_its_own_configuration(
    photos: Photos, publish: Publish
) -> None:
    publish(2, 3)
    pipeline = painted(photos, depth=1).map("acme:shade", depth=2)
    loader = zenith.DataLoader(pipeline, seed=0)
    assert loader.swap("acme:shade", "1.2.0").operators == {4: "acme:shade@1.3.0"}
    assert shade_of(arrays(loader, 1)[0]) == 18
    assert loader.swap("acme:shade", "1.3.0").operators.keys() == {3, 4}
    assert shade_of(arrays(loader, 1)[0]) == 28


@pytest.mark.parametrize(
    ("plugin", "version", "error", "message"),
    [
        ("acme:shade", "1.9.0", zenith.RegistryError, "no version of `acme:shade` that matches"),
        ("acme:shade", "one", zenith.RegistryError, "`one` is neither a version nor"),
        ("acme:hue", "1.3.0", zenith.PipelineError, "the pipeline has no operator `acme:hue`"),
        ("zenith:sequential", "0.1.0", zenith.PipelineError, "chosen as the default sampler"),
        ("acme:shade", "1.4.0", zenith.PipelineError, "the plugin trapped"),
        ("acme:shade", "1.5.0", zenith.PipelineError, "`depth` is gone: all shades are flat"),
        ("acme:shade", "1.6.0", zenith.PipelineError, r"would be float32\[\?, 16, 16, 3\]"),
        (
            "acme:shade",
            "1.8.0",
            zenith.PipelineError,
            "is a sampler, and operator 3 is a transform",
        ),
    ],
)
def test_a_swap_that_fails_says_why_and_the_old_version_goes_on(
    photos: Photos,
    publish: Publish,
    plugin: str,
    version: str,
    error: type[zenith.ZenithError],
    message: str,
) -> None:
    publish(2, 4, 5, 6)
    sampler = Path(zenith.__file__).parent / "registry/zenith/sequential/0.1.0.wasm"
    shutil.copy(sampler, ".zenith/registry/acme/shade/1.8.0.wasm")
    loader = zenith.DataLoader(painted(photos, depth=1), num_workers=2)
    iterator = iter(loader)
    next(iterator)
    before = (loader.pipeline, loader.explain(), loader.state_dict()["plan"])
    with pytest.raises(error, match=message):
        loader.swap(plugin, version)
    assert (loader.pipeline, loader.explain(), loader.state_dict()["plan"]) == before
    assert [shade_of(copied(batch)) for batch in iterator] == [19] * 5


def test_a_state_saved_after_a_swap_is_restored_by_a_loader_of_the_new_version(
    photos: Photos, publish: Publish
) -> None:
    publish(2, 3)
    loader = zenith.DataLoader(painted(photos), seed=1, num_workers=2)
    iterator = iter(loader)
    next(iterator)
    loader.swap("acme:shade", "1.3.0")
    next(iterator)
    state = loader.state_dict()
    iterator.close()
    assert loader.state_dict() == state

    with pytest.raises(zenith.StateError, match="saved under the plan"):
        zenith.DataLoader(painted(photos), seed=1).load_state_dict(state)
    resumed = zenith.DataLoader(painted(photos, "1.3.0", batch=8), seed=1)
    resumed.load_state_dict(state)
    rest = arrays(resumed)
    assert {shade_of(batch) for batch in rest} == {30}
    assert np.concatenate([batch[1] for batch in rest]).tolist() == photos.labels[8:]
    # The loader that was swapped restores it, too, and goes on with the next epoch.
    loader.load_state_dict(state)
    assert [shade_of(batch) for batch in arrays(loader)] == [30] * 4
    assert [shade_of(batch) for batch in arrays(loader)] == [30] * 6


def test_copies_and_forked_children_have_the_new_version(photos: Photos, publish: Publish) -> None:
    publish(2, 3)
    loader = zenith.DataLoader(painted(photos, "^1.2"), seed=1)
    loader.swap("acme:shade", "1.2.0")
    arrays(loader, 2)
    loader.swap("acme:shade", "1.3.0")
    copy = pickle.loads(pickle.dumps(loader))
    assert [shade_of(batch) for batch in arrays(copy)] == [30] * 6
    assert copy.state_dict()["plan"] == loader.state_dict()["plan"]

    def child(shades: multiprocessing.SimpleQueue[list[int]]) -> None:
        shades.put([shade_of(batch) for batch in arrays(loader)])

    context = multiprocessing.get_context("fork")
    shades: multiprocessing.SimpleQueue[list[int]] = context.SimpleQueue()
    process = context.Process(target=child, args=(shades,))
    process.start()
    assert shades.get() == [30] * 6
    process.join(60)
    assert process.exitcode == 0


def test_what_is_left_out_keeps_the_version_that_failed(photos: Photos, publish: Publish) -> None:
    publish(2, 7)
    pipeline = (
        zenith.read_images(photos.folder)
        .decode("zenith:jpeg")
        .map("zenith:resize", size=[8, 32])
        .map("acme:shade@1.2.0")
        .batch(4)
    )
    loader = zenith.DataLoader(pipeline, num_workers=1, on_error="skip")
    iterator = iter(loader)
    next(iterator)
    loader.swap("acme:shade", "1.7.0")
    assert len(list(iterator)) < 5
    assert loader.quarantine
    assert {entry.operator for entry in loader.quarantine} == {"transform `acme:shade@1.7.0`"}


def test_what_is_no_text_is_refused(photos: Photos) -> None:
    loader = zenith.DataLoader(zenith.read_images(photos.folder).decode().batch(1))
    with pytest.raises(TypeError, match="`version` is a text"):
        loader.swap("acme:shade", 1.3)  # type: ignore[arg-type]
