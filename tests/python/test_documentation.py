"""Everything fenced in the documentation is true: Python and commands run, files are what they say.

How a block is checked follows from its language:

- `python` is run, in a folder with photographs and shards in it; the blocks of a page are run in
  turn, as one program.
- `console` is run line by line where a line begins with `$ `; what stands below a command is what
  it prints, with `…` for what differs from run to run. Without any, only success is asked for.
- `toml` whose first line is `# NAME` is written to the file of that name, for the blocks after it.
- `rust` and `py` stand, as they are, in an example or in the template of a plugin.
- `sh` calls make targets that exist. They are not run: this test is part of one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "sdk-python" / "README.md"])
SOURCES = [
    *ROOT.glob("examples/*/src/*.rs"),
    *ROOT.glob("host/author/templates/rust/*/src/*.rs"),
    *ROOT.glob("host/author/templates/python/*/src/*.py"),
]
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of `page`, in order."""
    text = page.read_text()
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(page, line, match[1], match[2])


def commands(text: str) -> list[tuple[str, str]]:
    """The commands of a `console` block, each with the output that the block shows for it."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            assert found, f"a console block begins with its output: {line}"
            found[-1] = (found[-1][0], found[-1][1] + line + "\n")
    return found


def run(command: list[str], folder: Path, environment: dict[str, str], block: Block) -> str:
    """Runs `command`; its failure is the block's."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=600,
    )
    where = f"{block.page.name}, line {block.line}"
    assert done.returncode == 0, f"{where}: {command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def plugin(
    root: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The reader's plugin, built and added as the README tells, before a page that uses it."""
    component = tmp_path_factory.mktemp("plugin") / "sepia.wasm"
    build = ["zenith", "plugin", "build", str(root / "examples" / "sepia")]
    for command in ([*build, "--output", str(component)], ["zenith", "registry", "add", component]):
        subprocess.run(command, env=environment, check=True)


@pytest.fixture
def folder(tmp_path: Path, photos: Path, root: Path) -> Path:
    """A reader's folder: the dataset, and the checkout's examples."""
    for entry in photos.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "examples").symlink_to(root / "examples")
    return tmp_path


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_the_page_holds(
    page: Path, folder: Path, environment: dict[str, str]
) -> None:
    # Keys and trust are the page's own: each page begins with a reader who has none.
    environment = {**environment, "XDG_CONFIG_HOME": str(folder / ".config")}
    program = ""
    for block in blocks(page):
        match block.language:
            case "toml":
                if name := re.match(r"# (\S+)\n", block.text):
                    (folder / name[1]).write_text(block.text)
            case "console":
                for command, shown in commands(block.text):
                    printed = run(["bash", "-c", command], folder, environment, block)
                    pattern = re.escape(shown.strip()).replace("…", ".*")
                    if shown and not re.fullmatch(pattern, printed.strip(), re.DOTALL):
                        pytest.fail(f"{page.name}: `{command}` printed\n{printed}\nnot\n{shown}")
            case "python":
                program += "\n" * (block.line - program.count("\n")) + block.text
                script = folder / page.with_suffix(".py").name
                script.write_text(program)
                run([sys.executable, str(script)], folder, environment, block)
            case "rust" | "py":
                sources = (path.read_text() for path in SOURCES)
                where = f"{page.name}, line {block.line}"
                assert any(block.text in source for source in sources), (
                    f"{where}: in no example, and in no template"
                )
            case "sh":
                for target in re.findall(r"^make ([\w-]+)", block.text, re.MULTILINE):
                    run(["make", "--dry-run", target], ROOT, environment, block)
            case "text":
                pass
            case other:
                pytest.fail(f"{page.name}, line {block.line}: nothing checks `{other}` blocks")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_the_page_leads_to_a_file(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_the_page_names_exists(page: Path, environment: dict[str, str]) -> None:
    prose = FENCE.sub("", page.read_text())
    named = {match[1].strip() for match in re.finditer(r"`zenith((?: [a-z]+)+)", prose)}
    for words in sorted(named):
        # The words after a command's name are its arguments, such as a package.
        done = subprocess.run(
            ["zenith", *words.split(), "--help"], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{page.name}: `zenith {words}`: {done.stderr}"


def test_the_readme_shows_python_commands_a_file_and_a_plugin() -> None:
    languages = {block.language for block in blocks(ROOT / "README.md")}
    assert languages == {"python", "console", "toml", "rust", "sh"}
