"""What Python users see of signatures, pins and yanked versions: a warning, or an error."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import zenith
from conftest import Photos, Script, epoch

COMMAND = [sys.executable, "-m", "zenith._cli"]


def command(*arguments: str) -> str:
    """Runs the `zenith` command in the test's folder and home; answers what it prints."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shrink(version: str, *options: str) -> str:
    """A third party's plugin: the shipped `zenith:resize` without its manifest, published under a
    name. Answers the name, which no other test has, because a process warns of a plugin once."""
    shipped = Path(zenith.__file__).parent / "registry" / "zenith" / "resize"
    (component,) = shipped.glob("*.wasm")
    # The manifest is the last section: an id, its size in two bytes, and its name with its length.
    data = component.read_bytes()
    Path("bare.wasm").write_bytes(data[: data.rindex(b"\x0fzenith:manifest") - 3])
    name = f"acme:shrink@{version}"
    command("plugin", "publish", "bare.wasm", "--as", name, *options)
    return name


def pipeline(photos: Photos, plugin: str) -> zenith.Pipeline:
    return zenith.read_images(photos.folder).decode().map(plugin, size=[8, 8]).batch(4)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    records = caplog.records
    return [record.getMessage() for record in records if record.name == "zenith.host"]


def test_an_unsigned_plugin_is_used_and_warned_of_once(
    photos: Photos, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = shrink("1.0.0", "--unsigned")
    for _ in range(2):
        epoch(pipeline(photos, plugin))
    (warning,) = warnings(caplog)
    assert "`acme:shrink@1.0.0` is not signed" in warning
    assert "\nhint: " in warning
    assert caplog.records[0].levelno == logging.WARNING


def test_a_trusted_plugin_is_used_without_a_word(
    photos: Photos, caplog: pytest.LogCaptureFixture
) -> None:
    command("key", "new")
    plugin = shrink("2.0.0")
    command("trust", "add", "default", "--namespace", "acme")
    epoch(pipeline(photos, plugin))
    assert warnings(caplog) == []


def test_a_change_of_the_trust_file_counts_for_the_next_loader(photos: Photos) -> None:
    plugin = shrink("3.0.0", "--unsigned")
    zenith.DataLoader(pipeline(photos, plugin))
    command("key", "new")
    command("trust", "add", "default", "--namespace", "acme")
    with pytest.raises(zenith.PipelineError, match=r"`acme:shrink@3\.0\.0` is not signed"):
        zenith.DataLoader(pipeline(photos, plugin))
    command("plugin", "publish", "bare.wasm", "--as", plugin)
    zenith.DataLoader(pipeline(photos, plugin))
    command("trust", "remove", "default")
    Path("zenith-trust.toml").write_text('version = 1\nunsigned = "refuse"\n')
    with pytest.raises(zenith.PipelineError, match=r"`zenith-trust\.toml` requires|zenith-trust"):
        zenith.DataLoader(pipeline(photos, plugin))
    Path("zenith-trust.toml").write_text("version = 1\nunsigned = 3\n")
    with pytest.raises(zenith.RegistryError, match=r"zenith-trust\.toml` is wrong in line 2"):
        zenith.DataLoader(pipeline(photos, plugin))


def test_a_plugin_changed_after_signing_is_refused(photos: Photos) -> None:
    command("key", "new")
    plugin = shrink("4.0.0", "--project")
    stored = Path(".zenith/registry/acme/shrink/4.0.0.wasm")
    # An empty custom section: still the same plugin to an engine.
    stored.write_bytes(stored.read_bytes() + b"\x00\x02\x01x")
    with pytest.raises(zenith.PipelineError) as caught:
        zenith.DataLoader(pipeline(photos, plugin))
    for part in ["the signature of `acme:shrink@4.0.0` in `", "for other bytes", "\nhint: do not"]:
        assert part in str(caught.value)


def test_locked_refuses_what_is_not_pinned(photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZENITH_LOCKED", raising=False)
    shrink("5.0.0", "--unsigned")
    declared = pipeline(photos, "acme:shrink@^5")
    with pytest.raises(zenith.PipelineError, match="is not pinned: there is no lockfile"):
        zenith.DataLoader(declared, locked=True)
    declared.lock()
    zenith.DataLoader(declared, locked=True)

    shrink("6.0.0", "--unsigned")
    other = pipeline(photos, "acme:shrink@^6")
    zenith.DataLoader(other, locked=False)
    said = r"`acme:shrink@\^6` is not pinned: the lockfile has 5\.0\.0 of it"
    with pytest.raises(zenith.PipelineError, match=said):
        zenith.DataLoader(other, locked=True)
    monkeypatch.setenv("ZENITH_LOCKED", "1")
    with pytest.raises(zenith.PipelineError, match=said):
        other.explain()
    zenith.DataLoader(other, locked=False)
    with pytest.raises(zenith.RegistryError, match=r"would change: `acme:shrink@6\.0\.0`"):
        other.lock()
    assert "6.0.0" not in Path("zenith.lock").read_text()


def test_a_yanked_version_in_use_is_warned_of(
    photos: Photos, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = shrink("7.0.0", "--unsigned")
    command("registry", "yank", plugin, "--reason", "it shrinks too much")
    epoch(pipeline(photos, plugin))
    (unsigned, yanked) = warnings(caplog)
    assert "is not signed" in unsigned
    assert "`acme:shrink@7.0.0` is used although it was yanked: it shrinks too much" in yanked
    with pytest.raises(zenith.PipelineError, match="but was yanked"):
        zenith.DataLoader(pipeline(photos, "acme:shrink@^7"))


def test_a_warning_reaches_a_program_that_set_up_no_logging(photos: Photos, script: Script) -> None:
    plugin = shrink("8.0.0", "--unsigned")
    done = script(
        """
        import sys, zenith
        pipeline = zenith.read_images(sys.argv[1]).decode().map(sys.argv[2], size=[8, 8])
        for _ in range(3):
            zenith.DataLoader(pipeline)
        """,
        photos.folder,
        plugin,
    )
    assert done.stderr.count("is not signed") == 1
