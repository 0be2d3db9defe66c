"""Bad input: each case ends in a message that names operator, version, sample and cause, or is left
out and listed; nothing of it ends the process or loses another sample."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zenith
from conftest import Photos, Script, arrays, copied, cut, epoch, evaluation, joined
from PIL import Image

COMMAND = [sys.executable, "-m", "zenith._cli"]
MOODY = Path(__file__).parent / "moody"

JPEG = "decoder `zenith:jpeg@0.1.0`"
BAD = 5
"""The index of the sample that is damaged."""


def small(photos: Photos) -> zenith.Pipeline:
    return (
        zenith.read_images(photos.folder)
        .decode("zenith:jpeg")
        .map("zenith:resize", size=[24, 32])
        .batch(4)
    )


def truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def replace_by_huge(path: Path) -> None:
    """A header that promises 30,000 × 30,000 pixels, in a few bytes."""
    data = bytearray(path.read_bytes())
    frame = next(data.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in data)
    data[frame + 5 : frame + 9] = (30_000).to_bytes(2, "big") * 2
    path.write_bytes(data)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a truncated JPEG": (truncate, JPEG),
    "an empty file": (lambda path: path.write_bytes(b""), JPEG),
    "a text file named .jpg": (lambda path: path.write_text("not a photograph\n" * 20), JPEG),
    "a PNG named .jpg": (lambda path: cut("skimage:chelsea", 1).save(path, "PNG"), JPEG),
    "an image of 30,000 × 30,000": (replace_by_huge, JPEG),
}


@pytest.mark.parametrize("engine", ["native", "wasm"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_sample_is_named_or_left_out(
    own_photos: Photos, damage: str, engine: str
) -> None:
    expected = epoch(small(own_photos))
    spoil, culprit = DAMAGES[damage]
    spoil(own_photos.files[BAD])
    key = own_photos.keys[BAD]

    loader = zenith.DataLoader(small(own_photos), num_workers=2, engine=engine)
    iterator = iter(loader)
    np.testing.assert_array_equal(copied(next(iterator))[0], expected[0][:4])
    with pytest.raises(zenith.SampleError) as caught:
        next(iterator)
    message = str(caught.value)
    assert message.startswith(f"{culprit} failed on `")
    assert f"{key}` (sample {BAD}): " in message
    assert message.split(f"(sample {BAD}): ")[1].split("\n")[0]
    assert "\nhint: " in message
    assert caught.value.key is not None
    assert caught.value.key.endswith(key)
    assert caught.value.index == BAD
    np.testing.assert_array_equal(copied(next(iterator))[0], expected[0][8:])
    assert next(iterator, None) is None

    loader = zenith.DataLoader(small(own_photos), num_workers=2, engine=engine, on_error="skip")
    images, labels = joined(arrays(loader))
    kept = [index for index in range(len(own_photos)) if index != BAD]
    np.testing.assert_array_equal(images, expected[0][kept])
    np.testing.assert_array_equal(labels, expected[1][kept])
    (entry,) = loader.quarantine
    assert (entry.index, entry.epoch) == (BAD, 0)
    assert entry.key == caught.value.key
    assert entry.operator == culprit
    assert entry.error in message
    assert loader.stats().skipped == 1


def test_an_image_of_one_pixel_is_an_image(own_photos: Photos) -> None:
    Image.new("RGB", (1, 1), (200, 30, 40)).save(own_photos.files[BAD], quality=100)
    images, _ = epoch(evaluation(own_photos.folder))
    assert len(images) == len(own_photos)
    assert np.ptp(images[BAD], axis=(1, 2)).max() == 0


def test_a_true_image_of_30000_by_30000_pixels_allocates_little(
    own_photos: Photos, script: Script
) -> None:
    Image.new("L", (30_000, 30_000)).save(own_photos.files[BAD], quality=20)
    script(
        """
        import sys
        from pathlib import Path
        import zenith

        pipeline = zenith.read_images(Path(sys.argv[1])).decode().map("zenith:resize", size=[8, 8])
        loader = zenith.DataLoader(pipeline, framework="numpy", on_error="skip")
        images = sum(1 for _ in loader)
        assert images == 11, images
        (entry,) = loader.quarantine
        assert "30000" in entry.error or "limit" in entry.error, entry
        status = Path("/proc/self/status").read_text()
        (peak,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
        assert int(peak) < 1_000_000, peak
        """,
        own_photos.folder,
    )


def test_a_file_removed_during_the_epoch_is_named(own_photos: Photos) -> None:
    pipeline = small(own_photos).batch(1)
    loader = zenith.DataLoader(pipeline)
    iterator = iter(loader)
    next(iterator)
    own_photos.files[BAD].unlink()
    for _ in range(BAD - 1):
        next(iterator)
    with pytest.raises(zenith.SourceError) as caught:
        next(iterator)
    assert own_photos.keys[BAD] in str(caught.value)
    assert (caught.value.key or "").endswith(own_photos.keys[BAD])
    assert caught.value.index == BAD
    assert len(list(iterator)) == len(own_photos) - BAD - 1


def test_a_file_removed_during_the_epoch_is_left_out(own_photos: Photos) -> None:
    loader = zenith.DataLoader(small(own_photos).batch(1), on_error="skip")
    iterator = iter(loader)
    next(iterator)
    own_photos.files[BAD].unlink()
    assert len(list(iterator)) == len(own_photos) - 2
    assert [entry.index for entry in loader.quarantine] == [BAD]


def test_missing_and_empty_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(zenith.ZenithError, match="nowhere"):
        zenith.DataLoader(zenith.read_images(tmp_path / "nowhere").decode().batch(2))
    with pytest.raises(zenith.ZenithError) as caught:
        zenith.DataLoader(zenith.read_images(tmp_path).decode().batch(2))
    assert str(tmp_path) in str(caught.value)
    (tmp_path / "cat").mkdir()
    with pytest.raises(zenith.ZenithError, match="cat"):
        zenith.DataLoader(zenith.read_images(tmp_path).decode().batch(2))


def test_an_unreadable_folder_is_named(own_photos: Photos, script: Script) -> None:
    closed = own_photos.folder / "coffee"
    closed.chmod(0)
    output = script(
        """
        import ctypes, struct, sys
        from pathlib import Path
        import zenith

        # Root may read everything; without capabilities it is a user like others.
        ctypes.CDLL(None).capset(struct.pack("Ii", 0x20080522, 0), bytes(24))
        try:
            zenith.DataLoader(zenith.read_images(Path(sys.argv[1])).decode())
        except zenith.SourceError as error:
            print(error)
        """,
        own_photos.folder,
    )
    closed.chmod(0o755)
    assert f"`{closed}`" in output.stdout
    assert "ermission denied" in output.stdout


def test_a_shard_cut_short_is_named(own_photos: Photos, tmp_path: Path) -> None:
    from test_order import write_shards

    pattern = write_shards(own_photos, tmp_path, 1)
    shard = tmp_path / "000.tar"
    data = shard.read_bytes()
    shard.write_bytes(data[: len(data) // 2])
    with pytest.raises(zenith.ZenithError) as caught:
        epoch(zenith.read_webdataset(pattern).decode().map("zenith:resize", size=[8, 8]))
    assert "000.tar" in str(caught.value)
    with pytest.raises(zenith.ZenithError, match=r"nothing-\{000\.\.003\}|nothing-000"):
        epoch(zenith.read_webdataset(tmp_path / "nothing-{000..003}.tar").decode())


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (
            lambda start: start.decode("zenith:jpg"),
            ["decode", "there is no plugin `zenith:jpg`", "hint: did you mean `zenith:jpeg`"],
        ),
        (
            lambda start: start.decode("zenith:jpeg@^9"),
            ["no version of `zenith:jpeg` that matches `^9`", "hint: these versions exist: 0.1.0"],
        ),
        (lambda start: start.decode("JPEG"), ["`JPEG`", "`namespace:name`"]),
        (
            lambda start: start.decode("zenith:shuffle"),
            ["zenith:shuffle@0.1.0", "sampler", "decoder"],
        ),
        (
            lambda start: start.decode().map("zenith:resize", size=224, siz=3),
            ["transform `zenith:resize@0.1.0`", "siz"],
        ),
        (
            lambda start: start.decode().map("zenith:resize", size="large"),
            ["transform `zenith:resize@0.1.0`", "size"],
        ),
        (
            lambda start: start.decode().map("zenith:horizontal-flip", p=1.5),
            ["transform `zenith:horizontal-flip@0.1.0`", "`p`", "1.5"],
        ),
        (
            lambda start: start.decode().map("zenith:normalize", mean=[0.5, 0.5], std=[1, 1]),
            ["transform `zenith:normalize@0.1.0`", "2", "3"],
        ),
        (
            lambda start: start.decode().map("zenith:to-float").map("zenith:color-jitter"),
            ["transform `zenith:color-jitter@0.1.0`"],
        ),
        (
            lambda start: start.map("zenith:resize", size=8),
            ["the field `image` holds encoded bytes", "hint: add a decoder"],
        ),
        (lambda start: start.decode(limits={"time": -1}), ["limits.time"]),
    ],
)
def test_a_pipeline_that_cannot_run_is_refused_before_its_first_batch(
    photos: Photos, declare: Callable[[zenith.Pipeline], zenith.Pipeline], words: list[str]
) -> None:
    with pytest.raises(zenith.PipelineError) as caught:
        zenith.DataLoader(declare(zenith.read_images(photos.folder)).batch(2))
    for word in words:
        assert word in str(caught.value)


def test_all_faults_of_a_pipeline_are_told_together(photos: Photos) -> None:
    pipeline = zenith.read_images(photos.folder).sample("zenith:shufle").decode()
    pipeline = pipeline.map("zenith:horizontal-flip", p=2).map("zenith:nothing").batch(2)
    with pytest.raises(zenith.PipelineError) as caught:
        zenith.DataLoader(pipeline)
    message = str(caught.value)
    assert "for 3 reasons" in message
    for word in ("zenith:shufle", "zenith:horizontal-flip@0.1.0", "zenith:nothing"):
        assert word in message


def test_images_of_many_sizes_do_not_fit_one_batch(photos: Photos) -> None:
    loader = zenith.DataLoader(zenith.read_images(photos.folder).decode("zenith:jpeg").batch(4))
    with pytest.raises(zenith.SampleError) as caught:
        next(iter(loader))
    assert "zenith:resize" in (caught.value.hint or "")
    assert (caught.value.key or "").endswith(".jpg")


def project_package(name: str, data: bytes, version: str = "1.0.0") -> Path:
    """Puts bytes into the project's registry, as a package."""
    folder = Path.cwd() / ".zenith" / "registry" / Path(*name.split(":"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{version}.wasm").write_bytes(data)
    return folder / f"{version}.wasm"


COMPONENT = b"\0asm\x0d\0\x01\0"


def section(number: int, data: bytes) -> bytes:
    return bytes([number, len(data)]) + data


def text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


def stamped(version: str) -> bytes:
    """A component that says which version of the plugin interface it was built for, and no more."""
    return COMPONENT + section(0, text("zenith:api") + version.encode())


def importing(name: str) -> bytes:
    """A component that imports an empty instance."""
    instance = section(7, b"\x01\x42\x00")
    return stamped("0.1.0") + instance + section(10, b"\x01\x00" + text(name) + b"\x05\x00")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (stamped("0.9.0"), ["0.9.0", "0.1.0", "older"]),
        (importing("wasi:http/types@0.2.0"), ["wasi:http/types@0.2.0", "may not"]),
        (COMPONENT, ["does not say which version"]),
        (b"", ["acme:odd@1.0.0"]),
        (b"MZ" * 100, ["acme:odd@1.0.0"]),
    ],
)
def test_a_component_that_is_no_plugin_of_ours_is_refused(
    photos: Photos, data: bytes, words: list[str]
) -> None:
    project_package("acme:odd", data)
    pipeline = zenith.read_images(photos.folder).decode().map("acme:odd").batch(2)
    with pytest.raises(zenith.PipelineError) as caught:
        zenith.DataLoader(pipeline)
    for word in ["map", "acme:odd", *words]:
        assert word in str(caught.value)


def test_bytes_that_differ_from_the_lockfile_are_refused(photos: Photos) -> None:
    shipped = Path(zenith.__file__).parent / "registry" / "zenith" / "resize"
    (version,) = shipped.glob("*.wasm")
    path = project_package("acme:resize", version.read_bytes())
    start = zenith.read_images(photos.folder).decode()
    pipeline = start.map("acme:resize", size=[8, 8]).batch(2)
    pipeline.lock()
    epoch(pipeline)
    path.write_bytes(path.read_bytes() + section(0, text("changed")))
    with pytest.raises(zenith.PipelineError) as caught:
        zenith.DataLoader(pipeline)
    message = str(caught.value)
    for word in ("acme:resize@1.0.0", "lockfile", "sha256:", "\nhint: "):
        assert word in message
    (Path.cwd() / "zenith.lock").write_text("this is = no lockfile [")
    with pytest.raises(zenith.RegistryError, match=r"zenith\.lock"):
        zenith.DataLoader(pipeline)


@pytest.fixture(scope="session")
def moody(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The guest in `moody/`, built by the command that builds a reader's plugins."""
    if shutil.which("cargo") is None:
        pytest.skip("cargo is not installed, and the guest in `moody/` is built with it")
    output = tmp_path_factory.mktemp("moody") / "moody.wasm"
    foreign = ("CARGO_BUILD", "CARGO_ENCODED", "RUSTC", "RUSTFLAGS", "LLVM_PROFILE")
    result = subprocess.run(
        [*COMMAND, "plugin", "build", str(MOODY), "--output", str(output)],
        env={name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return output.read_bytes()


@pytest.mark.parametrize(
    ("mood", "limits", "cause"),
    [
        ("trap", {}, "trapped"),
        ("loop", {"time": 0.2}, "longer than its time limit of 200ms"),
        ("loop", {"time": "200ms"}, "longer than its time limit of 200ms"),
        ("allocate", {"memory": 8 << 20}, "more memory than its limit of 8388608 bytes"),
        ("allocate", {"memory": "8MiB"}, "more memory than its limit of 8388608 bytes"),
        ("overflow", {}, "trapped"),
        ("short", {}, "answer is wrong"),
        ("absurd", {}, "answer is wrong"),
        ("decline", {}, "the image has no charm"),
    ],
)
def test_a_guest_that_misbehaves_spoils_one_sample(
    own_photos: Photos, moody: bytes, mood: str, limits: dict[str, float | str], cause: str
) -> None:
    project_package("acme:moody", moody, "0.1.0")
    cut("skimage:coffee", 1, (77, 60)).save(own_photos.files[BAD])
    expected = epoch(small(own_photos))

    start = zenith.read_images(own_photos.folder).decode("zenith:jpeg")
    pipeline = start.map("acme:moody", mood=mood, limits=limits)
    pipeline = pipeline.map("zenith:resize", size=[24, 32]).batch(4)
    loader = zenith.DataLoader(pipeline, num_workers=2, on_error="skip")
    images, _ = joined(arrays(loader))
    np.testing.assert_array_equal(images, np.delete(expected[0], BAD, axis=0))
    (entry,) = loader.quarantine
    assert (entry.index, entry.operator) == (BAD, "transform `acme:moody@0.1.0`")
    assert cause in entry.error
    assert loader.stats().replaced_instances == (mood != "decline")

    with pytest.raises(zenith.SampleError) as caught:
        arrays(zenith.DataLoader(pipeline, num_workers=2))
    message = str(caught.value)
    assert message.startswith("transform `acme:moody@0.1.0` failed on `")
    assert f"{own_photos.keys[BAD]}` (sample {BAD}): " in message
    assert cause in message
    assert "\nhint: " in message
    if mood in ("trap", "overflow"):
        assert re.search(r"\n  0: .*(apply|descend)", message), "its stack is told by name"


def test_what_a_plugin_logs_reaches_pythons_logging(
    own_photos: Photos, moody: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    project_package("acme:moody", moody, "0.1.0")
    cut("skimage:coffee", 1, (77, 60)).save(own_photos.files[BAD])
    start = zenith.read_images(own_photos.folder).decode("zenith:jpeg")
    pipeline = start.map("acme:moody", mood="trap").map("zenith:resize", size=[24, 32]).batch(4)
    for num_workers in (0, 2):
        caplog.clear()
        with caplog.at_level(logging.ERROR, "zenith.plugin"):
            arrays(zenith.DataLoader(pipeline, num_workers=num_workers, on_error="skip"))
        (record,) = (record for record in caplog.records if record.name == "zenith.plugin")
        key = f"{own_photos.folder.name}/{own_photos.keys[BAD]}"
        assert record.levelno == logging.ERROR
        assert (record.plugin, record.sample, record.index) == ("acme:moody@0.1.0", key, BAD)  # type: ignore[attr-defined]
        text = record.getMessage()
        assert text.startswith(f"`acme:moody@0.1.0` on `{key}` (sample {BAD}): panicked at ")
        assert text.endswith("this sample is not to my taste")


def test_a_flood_of_lines_is_cut_off_and_harms_no_sample(
    own_photos: Photos, moody: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    project_package("acme:moody", moody, "0.1.0")
    cut("skimage:coffee", 1, (77, 60)).save(own_photos.files[BAD])
    start = zenith.read_images(own_photos.folder).decode("zenith:jpeg")
    pipeline = start.map("acme:moody", mood="chatty").map("zenith:resize", size=[24, 32]).batch(4)
    with caplog.at_level(logging.WARNING, "zenith.plugin"):
        images, _ = epoch(pipeline, num_workers=2)
    assert len(images) == len(own_photos)
    lines = [record.getMessage() for record in caplog.records if record.name == "zenith.plugin"]
    assert len(lines) == 101
    assert lines[-1].endswith("further lines of this call are left out")


def test_a_plugin_has_as_many_instances_as_its_limit_allows(
    own_photos: Photos, moody: bytes
) -> None:
    project_package("acme:moody", moody, "0.1.0")
    start = zenith.read_images(own_photos.folder).decode("zenith:jpeg")
    once = start.map("acme:moody", mood="calm", limits={"instances": 1})
    resized = once.map("zenith:resize", size=[24, 32]).batch(4)
    assert len(epoch(resized, num_workers=1)[0]) == len(own_photos)
    # In two places, so that one worker needs two, whatever the turns that threads take.
    twice = once.map("acme:moody", mood="calm", limits={"instances": 1})
    with pytest.raises(zenith.PluginError) as caught:
        epoch(twice.map("zenith:resize", size=[24, 32]).batch(4), num_workers=1)
    message = str(caught.value)
    assert "`acme:moody@0.1.0`" in message
    assert "has 1 instances already, as many as its limit allows" in message
    assert "limits.instances" in (caught.value.hint or "")


def test_lines_that_pythons_loggers_do_not_show_are_not_written(
    own_photos: Photos, moody: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    project_package("acme:moody", moody, "0.1.0")
    cut("skimage:coffee", 1, (77, 60)).save(own_photos.files[BAD])
    start = zenith.read_images(own_photos.folder).decode("zenith:jpeg")
    pipeline = start.map("acme:moody", mood="trap").map("zenith:resize", size=[24, 32]).batch(4)
    with (
        caplog.at_level(logging.CRITICAL, "zenith.plugin"),
        caplog.at_level(logging.CRITICAL, "zenith.host"),
    ):
        arrays(zenith.DataLoader(pipeline, num_workers=2, on_error="skip"))
        # Not by `set_level`, which would leave the handler at the level that it finds here.
        with caplog.at_level(logging.DEBUG, "zenith.plugin"):
            zenith.DataLoader(pipeline)
    assert not caplog.records


def test_a_plugin_without_a_twin_runs_under_auto_and_is_refused_natively(
    own_photos: Photos, moody: bytes
) -> None:
    project_package("acme:moody", moody, "0.1.0")
    start = zenith.read_images(own_photos.folder).decode("zenith:jpeg")
    pipeline = start.map("acme:moody", mood="calm").map("zenith:resize", size=[24, 32]).batch(4)
    np.testing.assert_array_equal(epoch(pipeline)[0], epoch(small(own_photos))[0])
    with pytest.raises(zenith.PipelineError, match=r"`acme:moody@0\.1\.0` has no native twin"):
        zenith.DataLoader(pipeline, engine="native")
