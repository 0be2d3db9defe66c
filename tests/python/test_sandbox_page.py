"""`docs/sandbox.md` names a test for each promise; each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "sandbox.md"
NAMED = re.compile(r"`([\w./-]+\.(?:rs|py))::(\w+)`")


def promises() -> list[str]:
    """The rows of the tables of promises."""
    section = PAGE.read_text().split("## What is promised")[1].split("## What is not promised")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [row for row in rows if not row.startswith(("| promise |", "|---"))]


@pytest.mark.parametrize("row", promises(), ids=lambda row: row.split("|")[1].strip()[:60])
def test_a_promise_names_tests_that_exist(row: str) -> None:
    named = NAMED.findall(row)
    assert named, "no test shows it"
    for file, name in named:
        source = (ROOT / file).read_text()
        # In Rust a module named after its guest holds the tests of that guest.
        definition = (
            rf"^ *def {name}\(" if file.endswith(".py") else rf"^ *(?:fn {name}\(|mod {name} \{{)"
        )
        assert re.search(definition, source, re.MULTILINE), f"{file} has no test `{name}`"


def test_the_page_makes_promises() -> None:
    assert len(promises()) > 20
