"""Compares image loaders on the same files: `python benches/compare --data FOLDER`.

Every measurement is a fresh process. Rounds are interleaved, so that a busy minute of the machine
does not fall on one contestant alone, and each figure is the median of the rounds. A run before the
first round warms the page cache and the caches that contestants keep on disk; it is thrown away.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import report
import tree
from contestants import BASELINE, CONTESTANTS

HERE = Path(__file__).resolve().parent
PHOTOS = HERE.parents[1] / ".cache" / "photos" / "train"


def arguments() -> argparse.Namespace:
    """The command line."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python benches/compare", description=__doc__.split("\n\n", maxsplit=1)[0]
    )
    parser.add_argument(
        "--data", type=Path, default=PHOTOS, help="a folder of class folders; made if missing"
    )
    parser.add_argument("--only", nargs="+", choices=list(CONTESTANTS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2, help="timed epochs in each measurement")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--out", type=Path, help="a folder for compare.json and compare.png")
    return parser.parse_args()


def chosen(only: list[str] | None) -> list[str]:
    """The contestants that can run here, the baseline among them. Says why others cannot."""
    names = []
    for name, contestant in CONTESTANTS.items():
        if only is not None and name not in only and name != BASELINE:
            continue
        if missing := contestant.missing():
            print(f"left out: {contestant.title}: not installed: {', '.join(missing)}")
        else:
            names.append(name)
    return names


def measured(name: str, given: argparse.Namespace) -> report.Measurement:
    """One round of one contestant: one process that is timed, then one that is watched."""
    base = [sys.executable, str(HERE / "measure.py"), name, str(given.data)]
    shared = [*base, str(given.workers), str(given.batch)]
    printed, _ = tree.run([*shared, str(given.epochs)], watch=False)
    _, peak = tree.run([*shared, "0"], watch=True)
    return {**json.loads(printed), "pss_bytes": peak.pss, "rss_bytes": peak.rss}


def main() -> None:
    """Runs the rounds, prints the table, and writes the rest where `--out` says."""
    given = arguments()
    names = chosen(given.only)
    if not given.data.is_dir():
        maker = HERE.parents[1] / "scripts" / "make_photos.py"
        subprocess.run([sys.executable, str(maker), "--out", str(given.data)], check=True)
    rounds: dict[str, list[report.Measurement]] = {name: [] for name in names}
    for turn in range(given.rounds + 1):
        for name in names:
            one = measured(name, given)
            label = f"round {turn} of {given.rounds}" if turn else "warm-up"
            rate = f"{one['images_per_second']:.0f} images/s"
            print(f"{label}: {CONTESTANTS[name].title}: {rate}", flush=True)
            if turn:
                rounds[name].append(one)

    medians = report.medians(rounds)
    print(
        f"\n{os.cpu_count()} cores, {platform.machine()}; {given.workers} workers, batches of"
        f" {given.batch}; medians of {given.rounds} rounds; in brackets the ratio to"
        f" {CONTESTANTS[BASELINE].title}\n"
    )
    print(report.table(medians))
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        written = {"medians": medians, "ratios": report.ratios(medians), "rounds": rounds}
        (given.out / "compare.json").write_text(json.dumps(written, indent=2) + "\n")
        report.plot(medians, rounds, given.out / "compare.png")
        print(f"\nwritten: {given.out / 'compare.json'} and {given.out / 'compare.png'}")


if __name__ == "__main__":
    main()
