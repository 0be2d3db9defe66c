#!/usr/bin/env python3
"""Adds up what test runs printed: `totals.py LOG...` prints the reasons for skips and one line."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

# `test result: ok. 12 passed; 0 failed; 1 ignored; …` from cargo, and pytest's `3 passed in 0.2s`.
CARGO = re.compile(r"^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored", re.MULTILINE)
PYTEST = re.compile(r"^=*\s*((?:\d+ \w+(?:, )?)+) in [\d.]+s", re.MULTILINE)
# A test that cargo ignores, pytest's short summary, and a test that says so itself.
REASONS = [
    re.compile(r"^test (\S+ \.\.\. ignored.*)$", re.MULTILINE),
    re.compile(r"^SKIPPED (\[\d+\] .*)$", re.MULTILINE),
    re.compile(r"^(?:test )?skipped: (.*)$", re.MULTILINE | re.IGNORECASE),
]


def main() -> None:
    """The command line."""
    total: Counter[str] = Counter()
    for name in sys.argv[1:]:
        path = Path(name)
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        for passed, failed, ignored in CARGO.findall(text):
            total.update(passed=int(passed), failed=int(failed), skipped=int(ignored))
        for line in PYTEST.findall(text):
            for count, outcome in re.findall(r"(\d+) (\w+)", line):
                kind = "failed" if outcome in {"error", "errors"} else outcome
                total[kind] += int(count)
        for pattern in REASONS:
            for reason in pattern.findall(text):
                print(f"skipped: {reason}")
    print(
        f"tests: {total['passed']} passed, {total['failed']} failed,"
        f" {total['skipped']} skipped or ignored"
    )


if __name__ == "__main__":
    main()
