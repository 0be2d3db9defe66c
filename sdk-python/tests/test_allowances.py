"""What a plugin is allowed, and how much: two keys for a permission, the user's word for a limit.

The guest paints every pixel with what it finds: whether the clock runs, a random byte, and the
first byte of `luts/warm.bin`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zenith
from conftest import Photos, arrays, epoch

GUESTS = Path(__file__).resolve().parents[2] / "tests" / "guests"
GUEST = "wasi_paints_what_it_finds"
ALL = ["clock", "entropy", "files"]


@pytest.fixture(scope="session")
def paints(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The guest, which is a component as the compiler leaves it."""
    if shutil.which("cargo") is None:
        pytest.skip("cargo is not installed, and the guest is built with it")
    kept = os.environ.get("ZENITH_CACHE")
    target = Path(kept) / "target-guests" if kept else tmp_path_factory.mktemp("guests")
    foreign = ("CARGO_BUILD", "CARGO_ENCODED", "CARGO_TARGET", "RUSTC", "RUSTFLAGS", "LLVM_PROFILE")
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--target", "wasm32-wasip2"]
    result = subprocess.run(
        [*command, "--example", GUEST, "--target-dir", str(target)],
        cwd=GUESTS,
        env={name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return (target / "wasm32-wasip2" / "release" / "examples" / f"{GUEST}.wasm").read_bytes()


def leb128(number: int) -> bytes:
    """An unsigned number as the binary format writes it."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + leb128(rest) if rest else bytes([low])


def install(component: bytes, **manifest: Any) -> None:
    """Puts the guest into the project's registry, with this in its manifest."""
    about = {"name": "acme:paints", "version": "1.0.0", "kind": "transform", **manifest}
    name = b"zenith:manifest"
    body = leb128(len(name)) + name + json.dumps(about).encode()
    path = Path(".zenith/registry/acme/paints/1.0.0.wasm")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(component + b"\0" + leb128(len(body)) + body)
    Path("luts").mkdir(exist_ok=True)
    Path("luts/warm.bin").write_bytes(bytes([7]))


def painting(photos: Photos, **config: Any) -> zenith.Pipeline:
    start = (
        zenith.read_images(photos.folder).decode("zenith:jpeg").map("zenith:center-crop", size=8)
    )
    return start.map("acme:paints", **config).batch(8)


def found(photos: Photos, **options: Any) -> tuple[set[int], set[int], set[int]]:
    """What the guest found in the clock, in entropy and in the file, over all samples."""
    images, _ = epoch(painting(photos), num_workers=2, **options)
    clock, entropy, file = (set(images[..., channel].ravel().tolist()) for channel in range(3))
    return clock, entropy, file


def test_a_plugin_gets_what_its_manifest_asks_for_and_its_user_allows(
    photos: Photos, paints: bytes
) -> None:
    install(paints, permissions=ALL)
    clock, entropy, file = found(photos)
    assert (clock, file) == ({0}, {0})
    assert found(photos)[1] == entropy, "its randomness is a function of the seed"
    assert found(photos, grants={"acme:paints": ["files:luts"]})[2] == {7}
    assert found(photos, grants={"acme:paints": ("clock",)})[0] == {1}
    assert found(photos, grants={"acme:paints": ["entropy"]})[1] != entropy
    install(paints, permissions=["files"])
    assert found(photos, grants={"acme:paints": ["clock"]})[0] == {0}, "it does not ask for it"


def test_the_projects_settings_allow_and_a_loader_overrules_them(
    photos: Photos, paints: bytes
) -> None:
    install(paints, permissions=ALL)
    assert found(photos)[2] == {0}
    Path("zenith.toml").write_text('[grants]\n"acme:paints" = ["files:luts", "clock"]\n')
    clock, _, file = found(photos)
    assert (clock, file) == ({1}, {7})
    assert found(photos, grants={"acme:paints": []})[2] == {0}
    Path("zenith.toml").write_text('[grants]\n"acme:paints" = [\n"disks"]\n')
    with pytest.raises(
        zenith.OptionError, match=r"zenith\.toml` is wrong in line 2: `disks` is no"
    ):
        found(photos)


def test_the_first_use_is_told_in_pythons_logging_and_only_the_first(
    photos: Photos, paints: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    install(paints, permissions=["clock", "files"], limits={"memory_bytes": 1 << 30})
    grants = {"acme:paints": ["files:luts"]}
    zenith.DataLoader(painting(photos), grants=grants)
    (record,) = (record for record in caplog.records if record.name == "zenith.host")
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "first use: `acme:paints@1.0.0` asks for clock, files, and is given files:luts; it wishes"
        ' memory = "1024MiB", and does without\n'
        'hint: `zenith.toml` allows it with `"acme:paints" = ["clock"]` under `[grants]` and'
        ' `memory = "1024MiB"` under `[limits."acme:paints"]`'
    )
    caplog.clear()
    Path("zenith.toml").write_text("# another context\n")
    zenith.DataLoader(painting(photos), grants=grants)
    assert not caplog.records


def test_explain_tells_of_what_is_not_deterministic(photos: Photos, paints: bytes) -> None:
    install(paints, permissions=["clock", "entropy"])
    pipeline = painting(photos)
    assert "asks for clock, entropy, not given" in pipeline.explain()
    explained = pipeline.explain(grants={"acme:paints": ["clock"]})
    assert "not deterministic: given clock  asks for entropy, not given" in explained


def test_a_state_does_not_fit_a_loader_whose_plugins_are_given_other_things(
    photos: Photos, paints: bytes
) -> None:
    install(paints, permissions=ALL)
    state = zenith.DataLoader(painting(photos), seed=1).state_dict()
    zenith.DataLoader(painting(photos), seed=1).load_state_dict(state)
    granted = zenith.DataLoader(painting(photos), seed=1, grants={"acme:paints": ["clock"]})
    with pytest.raises(zenith.StateError):
        granted.load_state_dict(state)


def test_a_plugin_that_insists_says_what_it_misses(photos: Photos, paints: bytes) -> None:
    install(paints, permissions=["files"])
    pipeline = painting(photos, insist=True)
    with pytest.raises(zenith.SampleError, match=r"`luts/warm\.bin` cannot be read"):
        epoch(pipeline)
    assert len(epoch(pipeline, grants={"acme:paints": ["files:luts"]})[0]) == len(photos)


def test_two_loaders_of_one_process_do_not_share_what_one_is_given(
    photos: Photos, paints: bytes
) -> None:
    install(paints, permissions=ALL)
    given = zenith.DataLoader(painting(photos), grants={"acme:paints": ["files:luts"]})
    plain = zenith.DataLoader(painting(photos))
    for loader, expected in ((given, 7), (plain, 0), (given, 7)):
        (batch, *_) = arrays(loader, limit=1)
        assert np.unique(batch[0][..., 2]).tolist() == [expected]


@pytest.mark.parametrize(
    ("grants", "error", "words"),
    [
        ({"acme:paints": ["gpu"]}, zenith.OptionError, "for `acme:paints`, `gpu` is no permission"),
        ({"acme:paints": ["files"]}, zenith.OptionError, "must say which folder may be read"),
        ({"acme:paints": ["network"]}, zenith.OptionError, "`network` cannot be allowed"),
        ({"Paints": ["clock"]}, zenith.OptionError, "`Paints` is not a package name"),
        ({"acme:paint": ["clock"]}, zenith.OptionError, "which the pipeline does not use"),
        ({"acme:paints": "clock"}, TypeError, "`acme:paints` has 'clock'"),
        ({"acme:paints": [1]}, TypeError, "`acme:paints` has [1]"),
        (["acme:paints"], TypeError, "`grants` is a mapping"),
    ],
)
def test_a_grant_that_is_none_is_refused(
    photos: Photos, paints: bytes, grants: Any, error: type[Exception], words: str
) -> None:
    install(paints, permissions=ALL)
    with pytest.raises(error) as caught:
        zenith.DataLoader(painting(photos), grants=grants)
    assert words in str(caught.value)


def test_a_manifest_that_asks_for_what_there_is_not_is_refused(
    photos: Photos, paints: bytes
) -> None:
    install(paints, permissions=["disks"])
    with pytest.raises(zenith.PipelineError, match=r"`disks` is no permission"):
        zenith.DataLoader(painting(photos))


@pytest.mark.parametrize("instances", [1, 2])
def test_a_limit_of_the_project_holds_and_one_of_the_pipeline_goes_before_it(
    photos: Photos, paints: bytes, instances: int
) -> None:
    install(paints, limits={"instances": 1})
    limit = rf"has {instances} instances already, as many as its limit allows"
    Path("zenith.toml").write_text(f'[limits."acme:paints"]\ninstances = {instances}\n')
    # In so many places that one worker needs one more, whatever the turns that threads take.
    many = painting(photos)
    for _ in range(instances):
        many = many.map("acme:paints")
    with pytest.raises(zenith.PluginError, match=limit):
        epoch(many, num_workers=1)
    raised = painting(photos, limits={"instances": 4})
    assert len(epoch(raised, num_workers=4)[0]) == len(photos)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"memory": "much"}, '`memory` is a number of bytes such as 536870912 or "512MiB"'),
        ({"time": "2h"}, "`time` is a number of seconds"),
        ({"instances": 1.5}, "`instances` is a whole number"),
        ({"instances": 0}, "`limits.instances` must be more than 0"),
        ({"output": -1}, "`output` is a number of bytes"),
    ],
)
def test_a_limit_that_is_none_is_refused(
    photos: Photos, limits: dict[str, float | str], words: str
) -> None:
    pipeline = zenith.read_images(photos.folder).decode(limits=limits).batch(1)
    with pytest.raises(zenith.PipelineError) as caught:
        zenith.DataLoader(pipeline)
    assert words in str(caught.value)
