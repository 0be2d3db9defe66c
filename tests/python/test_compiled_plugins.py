"""Plugins in languages that are compiled, from their templates to pixels in Python.

Each goes the way of an author, by commands alone: made, built, tested, published, used. The
pixels are those that torchvision's own `solarize` makes of the same photographs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

CACHE = Path(
    os.environ.get("ZENITH_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zenith-ci"
)
LANGUAGES = ["rust", "c", "cpp", "go", "zig"]
TOOLS = {"rust": "cargo", "go": "go"}  # Zig, which compiles the others, is a Python package.

LOAD = """
import numpy as np
import zenith

start = zenith.read_images("photos").decode("zenith:jpeg").map("zenith:center-crop", size=64)
for name, pipeline in {
    "plain": start,
    "default": start.map("acme:solar"),
    "low": start.map("acme:solar", threshold=40),
}.items():
    loader = zenith.DataLoader(pipeline.batch(4), num_workers=2)
    np.save(f"{name}.npy", np.concatenate([np.asarray(images) for images, _ in loader]))
try:
    zenith.DataLoader(start.map("acme:solar", threshold=999).batch(4))
except zenith.PipelineError as error:
    print(error)
"""


@dataclass(frozen=True)
class Author:
    """Somebody with a folder, a registry and the tools."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        """What a command prints, which must not fail."""
        done = self.attempt(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        """What becomes of a command."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=600,
        )


@pytest.fixture
def author(tmp_path: Path, environment: dict[str, str]) -> Author:
    """An author whose compilers keep what they made for the next time."""
    kept = {"ZIG_GLOBAL_CACHE_DIR": str(CACHE / "zig"), "GOCACHE": str(CACHE / "go")}
    # Nothing is fetched: what the bindings import is written beside them.
    offline = {"GOPROXY": "off", "GOFLAGS": ""}
    own = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "DATA")}
    return Author(tmp_path, {**environment, **kept, **offline, **own})


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plugin_from_its_template_gives_torchvisions_pixels(
    language: str, author: Author, photos: Path
) -> None:
    tool = TOOLS.get(language)
    if tool and shutil.which(tool, path=author.environment["PATH"]) is None:
        pytest.skip(f"{tool} is not installed, and a plugin in {language} is built with it")
    for number, file in enumerate(sorted((photos / "photos" / "train").rglob("*.jpg"))[:4]):
        target = author.folder / "photos" / ("even", "odd")[number % 2] / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)

    made = author.run("zenith", "plugin", "new", "acme:solar", "plugin", "--lang", language)
    assert "build it with: zenith plugin build plugin" in made
    target_dir = ["--target-dir", str(CACHE / "plugin-tests")] if language == "rust" else []
    built = author.run("zenith", "plugin", "build", "plugin", *target_dir)
    assert "digest sha256:" in built
    assert "add it with: zenith registry add plugin/solar.wasm" in built
    assert ", 0 failed, " in author.run("zenith", "plugin", "test", "plugin")
    author.run("zenith", "key", "new")
    published = author.run("zenith", "plugin", "publish", "plugin/solar.wasm")
    assert "signed with the key" in published
    refusal = author.run("python", "-c", LOAD)
    assert "acme:solar@0.1.0" in refusal
    assert "`threshold` must be" in refusal

    plain, default, low = (np.load(author.folder / f"{n}.npy") for n in ("plain", "default", "low"))
    assert plain.shape == (4, 64, 64, 3)
    assert plain.dtype == np.uint8
    for pixels, threshold in ((default, 128), (low, 40)):
        expected = functional.solarize(torch.from_numpy(plain).movedim(-1, -3), threshold)
        np.testing.assert_array_equal(pixels, expected.movedim(-3, -1).numpy())


def test_a_missing_compiler_is_told_with_the_command_that_installs_it(author: Author) -> None:
    author.run("zenith", "plugin", "new", "solar", "--lang", "c")
    zenith = shutil.which("zenith", path=author.environment["PATH"])
    assert zenith is not None
    # A system without Zig: nothing on the path, and an interpreter without the package.
    bare = {"PATH": "/nowhere", "ZENITH_PYTHON": "/nowhere/python"}
    bare = {name: text for name, text in author.environment.items() if name != "VIRTUAL_ENV"} | bare
    done = Author(author.folder, bare).attempt(zenith, "plugin", "build", "solar")
    assert done.returncode == 1
    assert "error: `zig` is not installed, and a plugin in C is compiled with it" in done.stderr
    assert "hint: run `pip install ziglang`" in done.stderr


def test_a_compilers_message_begins_with_the_authors_file_and_line(author: Author) -> None:
    author.run("zenith", "plugin", "new", "solar", "--lang", "c")
    source = author.folder / "solar" / "src" / "plugin.c"
    source.write_text("int answer = ;\n" + source.read_text())
    done = author.attempt("zenith", "plugin", "build", "solar")
    assert done.returncode == 1
    assert done.stderr.startswith("src/plugin.c:1:14: error:"), done.stderr
    assert done.stderr.endswith("error: the plugin does not compile\n"), done.stderr
    assert not (author.folder / "solar" / "solar.wasm").exists()


def test_nothing_is_overwritten_and_a_bad_name_is_told(author: Author) -> None:
    author.run("zenith", "plugin", "new", "solar", "--lang", "zig")
    again = author.attempt("zenith", "plugin", "new", "solar", "--lang", "zig")
    assert again.returncode == 1
    assert "error: `solar` exists already, and is not an empty folder" in again.stderr
    name = author.attempt("zenith", "plugin", "new", "Old_Photo", "--lang", "zig")
    assert name.returncode == 1
    assert "`Old_Photo` cannot be a plugin's name" in name.stderr
    kind = author.attempt("zenith", "plugin", "new", "x", "--lang", "zig", "--kind", "policy")
    assert kind.returncode == 1
    assert "there is no template for a policy in Zig" in kind.stderr
    assert "hint: there are templates for `rust` (transform, decoder," in kind.stderr
    assert author.attempt("zenith", "plugin", "new", "x", "--lang", "cobol").returncode == 2
    assert sorted(path.name for path in author.folder.iterdir()) == ["solar"]
