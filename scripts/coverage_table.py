#!/usr/bin/env python3
"""Prints which lines the tests ran, for each part of the project, and fails below the bound.

Rust: merges the raw profiles that instrumented programs left, and asks llvm-cov for each source
file. Python: reads the JSON report of coverage.py. Test code itself is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BOUND = 80.0

# The parts that have to reach the bound, and the folders that belong to each.
PARTS = {
    "host": ("host/",),
    "registry": ("registry/",),
    "SDK": ("plugin-sdk-rs/", "sdk-python/"),
}
# The rows of the table: the first folder that a file is under.
ROWS = re.compile(r"(?:host/[^/]+|registry|plugin-sdk-rs|sdk-python/src|sdk-python/python)/")
TEST_CODE = re.compile(r"(?:^|/)(?:tests|benches|examples)(?:/|\.rs$)")


@dataclass
class Lines:
    """How many lines can run, and how many did."""

    count: int = 0
    covered: int = 0

    def add(self, other: Lines) -> None:
        """Adds `other` to this."""
        self.count += other.count
        self.covered += other.covered

    @property
    def percent(self) -> float:
        """The share that ran, from 0 to 100."""
        return 100 * self.covered / self.count if self.count else 0.0


def llvm_tool(name: str) -> str:
    """The LLVM tool of the active Rust toolchain, from its `llvm-tools` component."""
    verbose = subprocess.check_output(["rustc", "-vV"], text=True)
    host = next(line[6:] for line in verbose.splitlines() if line.startswith("host: "))
    sysroot = subprocess.check_output(["rustc", "--print", "sysroot"], text=True).strip()
    return str(Path(sysroot, "lib", "rustlib", host, "bin", name))


def rust_lines(profiles: Path, objects: list[str]) -> dict[str, Lines]:
    """The lines of each Rust file of the project, by its path in the checkout."""
    raw = sorted(str(path) for path in profiles.glob("*.profraw"))
    if not raw:
        sys.exit(f"error: no profiles in `{profiles}`: the tests were not instrumented")
    merged, listing = profiles / "merged.profdata", profiles / "raw.txt"
    listing.write_text("\n".join(raw))
    merge = [llvm_tool("llvm-profdata"), "merge", "-sparse", "--failure-mode=warn"]
    subprocess.run([*merge, "-f", str(listing), "-o", str(merged)], check=True)
    command = [llvm_tool("llvm-cov"), "export", "-summary-only", f"-instr-profile={merged}"]
    for path in objects:
        command += ["-object", path]
    report = json.loads(subprocess.check_output(command))
    lines = {}
    for file in report["data"][0]["files"]:
        path = os.path.relpath(file["filename"], ROOT)
        summary = file["summary"]["lines"]
        lines[path] = Lines(summary["count"], summary["covered"])
    return lines


def python_lines(report: Path) -> dict[str, Lines]:
    """The lines of each Python file of the package, by its path in the checkout."""
    lines = {}
    for name, file in json.loads(report.read_text())["files"].items():
        path = os.path.relpath(os.path.realpath(ROOT / name), ROOT)
        summary = file["summary"]
        lines[path] = Lines(summary["num_statements"], summary["covered_lines"])
    return lines


def main() -> None:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--profiles", type=Path, required=True, help="where *.profraw lie")
    parser.add_argument("--objects", type=Path, required=True, help="a file that lists programs")
    parser.add_argument("--python", type=Path, required=True, help="`coverage json`'s report")
    parser.add_argument("--files", action="store_true", help="also print every file")
    given = parser.parse_args()

    files = rust_lines(given.profiles, given.objects.read_text().split())
    files |= python_lines(given.python)
    rows: dict[str, Lines] = {}
    parts = {name: Lines() for name in PARTS}
    for path, lines in sorted(files.items()):
        match = ROWS.match(path)
        if match is None or TEST_CODE.search(path):
            continue
        if given.files:
            print(f"  {path:<56}{lines.covered:>7} of {lines.count:>6}{lines.percent:>7.1f} %")
        rows.setdefault(match[0], Lines()).add(lines)
        for part, folders in PARTS.items():
            if path.startswith(folders):
                parts[part].add(lines)

    print("lines that the tests ran")
    for row, lines in rows.items():
        print(f"  {row:<24}{lines.covered:>7} of {lines.count:>6}{lines.percent:>7.1f} %")
    missed = False
    for part, lines in parts.items():
        missed |= lines.percent < BOUND
        verdict = "" if lines.percent >= BOUND else f"  below {BOUND:.0f} %"
        print(f"{part:<26}{lines.covered:>7} of {lines.count:>6}{lines.percent:>7.1f} %{verdict}")
    sys.exit(missed)


if __name__ == "__main__":
    main()
