"""Plugins in Python and JavaScript, from their templates to pixels.

Embedding CPython takes ten seconds and compiling it half a minute, so what a build made and what
the host compiled of it is kept between runs, outside the checkout. A build uses its own folder
again only where nothing has changed that goes into it, as it does for a user.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

CACHE = Path(
    os.environ.get("ZENITH_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zenith-ci"
)
LANGUAGES = ["python", "js"]
ENTRY = {"python": "src/transform.py", "js": "src/plugin.js"}


@dataclass(frozen=True)
class Built:
    """A plugin fresh from its template."""

    folder: Path
    component: Path
    environment: dict[str, str]


def run(
    arguments: list[str], environment: dict[str, str], folder: Path, fails: bool = False
) -> str:
    """What a command prints, which fails only where that is asked for."""
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    said = done.stdout + done.stderr
    assert (done.returncode != 0) == fails, said
    return said


def keep(source: Path, target: Path) -> None:
    """Replaces one folder by a copy of another."""
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, target)


@pytest.fixture(scope="session")
def tools(environment: dict[str, str]) -> dict[str, str]:
    """The variables of an author who has the tools: npm keeps what it fetches with the rest."""
    return {**environment, "npm_config_cache": str(CACHE / "npm")}


@pytest.fixture(scope="session")
def plugin(
    tmp_path_factory: pytest.TempPathFactory, tools: dict[str, str]
) -> Iterator[Callable[[str, str], Built]]:
    """Makes and builds a plugin from the template of a language and a kind, once for all tests."""
    made: dict[tuple[str, str], Built] = {}

    def make(language: str, kind: str) -> Built:
        if (language, kind) in made:
            return made[language, kind]
        if language == "js" and shutil.which("npm", path=tools["PATH"]) is None:
            pytest.skip("npm is not installed, and a plugin in JavaScript is built with it")
        home = tmp_path_factory.mktemp(f"{language}-{kind}")
        folder, kept = home / "plugin", CACHE / "interpreted" / f"{language}-{kind}"
        compiled = kept / "xdg"
        new = ["zenith", "plugin", "new", f"acme:{language}-{kind}", str(folder)]
        run([*new, "--lang", language, "--kind", kind], tools, home)
        keep(kept / "target", folder / "target")
        # Without the folder of bindings, a build begins anew.
        keep(kept / "bindings", folder / "bindings")
        said = run(["zenith", "plugin", "build", str(folder)], tools, home)
        component = next(folder.glob("*.wasm"))
        digest = next(word for word in said.split() if word.startswith("sha256:"))
        stamp = kept / "digest"
        if not stamp.is_file() or stamp.read_text() != digest:
            # What was compiled of another component is of no use any more.
            shutil.rmtree(compiled, ignore_errors=True)
            keep(folder / "target", kept / "target")
            keep(folder / "bindings", kept / "bindings")
            kept.mkdir(parents=True, exist_ok=True)
            stamp.write_text(digest)
        compiled.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment = {**tools, "XDG_CACHE_HOME": str(compiled)}
        built = made[language, kind] = Built(folder, component, environment)
        return built

    yield make


@pytest.fixture(scope="session")
def project(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a few photographs in it."""
    folder = tmp_path_factory.mktemp("project")
    files = sorted((photos / "photos" / "train").rglob("*.jpg"))[:6]
    for number, file in enumerate(files):
        target = folder / "photos" / ("even", "odd")[number % 2] / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    return folder


LOAD = """
import sys, time
import numpy as np
import zenith

start = zenith.read_images("photos")
{pipeline}
loader = zenith.DataLoader(pipeline, num_workers=2)
np.save("{name}.npy", np.concatenate([np.asarray(images) for images, _ in loader]))
"""


def load(project: Path, environment: dict[str, str], name: str, pipeline: str) -> np.ndarray:
    """All images that a pipeline gives, from a process of its own."""
    program = LOAD.format(pipeline=pipeline, name=name)
    run(["python", "-c", program], environment, project)
    loaded: np.ndarray = np.load(project / f"{name}.npy")
    return loaded


CROP = 'pipeline = start.decode("zenith:jpeg").map("zenith:center-crop", size=64)'


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_transform_from_the_template_gives_the_reference_pixels(
    language: str, plugin: Callable[[str, str], Built], project: Path
) -> None:
    built = plugin(language, "transform")
    report = run(["zenith", "plugin", "test", str(built.folder)], built.environment, project)
    assert ", 0 failed, " in report
    run(["zenith", "key", "new", language], built.environment, project)
    publish = ["zenith", "plugin", "publish", str(built.component), "--key", language]
    assert "signed with the key" in run(publish, built.environment, project)
    plain = load(project, built.environment, "plain", f"{CROP}.batch(4)")
    mapped = f'.map("acme:{language}-transform", threshold=90).batch(4)'
    changed = load(project, built.environment, language, CROP + mapped)
    assert plain.shape == (6, 64, 64, 3)
    assert 0.2 < (plain >= 90).mean() < 0.9, "the photographs have values on both sides"
    np.testing.assert_array_equal(changed, np.where(plain >= 90, 255 - plain, plain))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sampler_orders_the_samples_of_a_loader(
    language: str, plugin: Callable[[str, str], Built], project: Path
) -> None:
    built = plugin(language, "sampler")
    run(["zenith", "registry", "add", str(built.component)], built.environment, project)
    plain = load(project, built.environment, "all", f"{CROP}.batch(4)")
    sampled = CROP.replace("start.", f'start.sample("acme:{language}-sampler", every=2).')
    every_second = load(project, built.environment, "second", f"{sampled}.batch(4)")
    np.testing.assert_array_equal(every_second, plain[::2])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_configuration_that_a_plugin_does_not_take_is_told_by_its_key(
    language: str, plugin: Callable[[str, str], Built], project: Path
) -> None:
    built = plugin(language, "transform")
    run(["zenith", "registry", "add", str(built.component)], built.environment, project)
    for config, problem in {
        "threshold=300": "`threshold` must be from 0 to 256, but is 300",
        "treshold=3": "`treshold` is not a key of this plugin; there are: `threshold`",
    }.items():
        mapped = CROP + f'.map("acme:{language}-transform", {config}).batch(4)'
        program = LOAD.format(pipeline=mapped, name="none")
        said = run(["python", "-c", program], built.environment, project, fails=True)
        assert problem in said, said


def broken(built: Built, folder: Path, language: str, change: Callable[[str], str]) -> str:
    """What `plugin build` says to a copy of a plugin whose source was changed."""
    copy = folder / "broken"
    copy.mkdir()
    for part in ("src", "golden"):
        shutil.copytree(built.folder / part, copy / part)
    for file in ("plugin.toml", "package.json", "package-lock.json"):
        if (built.folder / file).is_file():
            shutil.copy(built.folder / file, copy)
    if (built.folder / "node_modules").is_dir():
        (copy / "node_modules").symlink_to(built.folder / "node_modules")
    source = copy / ENTRY[language]
    source.write_text(change(source.read_text()))
    said = run(["zenith", "plugin", "build", str(copy)], built.environment, folder, fails=True)
    assert not list(copy.glob("*.wasm")), "nothing is written"
    return said


def line_of(text: str, part: str) -> int:
    """The first line that contains a text, counted from 1."""
    return next(at for at, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_syntax_error_is_told_with_the_authors_file_and_line(
    language: str, plugin: Callable[[str, str], Built], tmp_path: Path
) -> None:
    built = plugin(language, "transform")
    part = "def apply(" if language == "python" else "apply(input"
    line = line_of((built.folder / ENTRY[language]).read_text(), part)
    said = broken(built, tmp_path, language, lambda text: text.replace(part, part + "(", 1))
    where = 'File "src/transform.py", line' if language == "python" else "src/plugin.js:"
    assert where in said, said
    told = int(said.split(where)[1].split(":")[0].split(",")[0].split()[0])
    assert abs(told - line) <= 1, said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_method_that_is_missing_is_told_by_its_name(
    language: str, plugin: Callable[[str, str], Built], tmp_path: Path
) -> None:
    built = plugin(language, "transform")
    part, other = {
        "python": ("def apply(", "def applied("),
        "js": ("    apply(input", "    applied(input"),
    }[language]
    said = broken(built, tmp_path, language, lambda text: text.replace(part, other))
    assert "class `Solarize` lacks the method `apply`" in said, said
    assert ENTRY[language] in said, said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plugin_that_is_not_exported_is_told_so(
    language: str, plugin: Callable[[str, str], Built], tmp_path: Path
) -> None:
    built = plugin(language, "transform")
    part, other = {
        "python": ("Instance =", "Instances ="),
        "js": ("export const transform", "export const transforms"),
    }[language]
    said = broken(built, tmp_path, language, lambda text: text.replace(part, other))
    assert f"`{ENTRY[language]}`" in said, said


def test_a_missing_tool_is_named_with_the_command_that_installs_it(
    plugin: Callable[[str, str], Built], tools: dict[str, str], tmp_path: Path
) -> None:
    zenith = shutil.which("zenith", path=tools["PATH"])
    empty = {**tools, "PATH": str(tmp_path), "ZENITH_PYTHON": str(tmp_path / "python")}
    empty.pop("VIRTUAL_ENV", None)
    for language, tool, install in [
        ("python", "componentize-py", "pip install componentize-py=="),
        ("js", "node", "apt install nodejs npm"),
    ]:
        folder = tmp_path / language
        run(
            [str(zenith), "plugin", "new", "acme:a", str(folder), "--lang", language],
            tools,
            tmp_path,
        )
        said = run([str(zenith), "plugin", "build", str(folder)], empty, tmp_path, fails=True)
        assert f"`{tool}` is not installed" in said and install in said, said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_second_build_of_the_same_source_has_the_same_digest(
    language: str, plugin: Callable[[str, str], Built]
) -> None:
    built = plugin(language, "transform")
    before = built.component.read_bytes()
    run(["zenith", "plugin", "build", str(built.folder)], built.environment, built.folder)
    assert built.component.read_bytes() == before


def test_the_python_template_passes_a_strict_type_check(
    plugin: Callable[[str, str], Built],
) -> None:
    built = plugin("python", "transform")
    run(["python", "-m", "mypy"], built.environment, built.folder)


def test_plugins_in_python_go_on_for_more_images_than_their_memory_would_hold(
    plugin: Callable[[str, str], Built], project: Path
) -> None:
    """componentize-py 0.25 never gives back what a plugin writes: an epoch failed at its limit."""
    built = plugin("python", "transform")
    run(["zenith", "registry", "add", str(built.component)], built.environment, project)
    limits = 'limits={"memory": 24 << 20}'
    mapped = CROP.replace("size=64", "size=100") + f'.map("acme:python-transform", {limits})'
    program = f"""
import zenith
start = zenith.read_images("photos")
{mapped}.batch(6)
loader = zenith.DataLoader(pipeline, num_workers=1)
for epoch in range(100):
    assert len(list(loader)) == 1
assert loader.stats().replaced_instances == 0
"""
    run(["python", "-c", program], built.environment, project)


def test_the_lock_file_of_the_javascript_template_is_of_its_package_file(root: Path) -> None:
    template = root / "host" / "author" / "templates" / "js" / "all"
    package = json.loads((template / "package.json.jinja").read_text())
    lock = json.loads((template / "package-lock.json.jinja").read_text())
    assert lock["packages"][""]["devDependencies"] == package["devDependencies"]
    for name, entry in lock["packages"].items():
        assert not name or entry["integrity"].startswith("sha512-"), name
