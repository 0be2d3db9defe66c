"""The memory of a process and its descendants, seen from outside."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass

import psutil


@dataclass
class Peak:
    """The largest sums over the tree that a run showed, in bytes."""

    pss: int = 0
    """Proportional set size: a page that n processes share counts 1/n in each, so the sum over a
    tree is the memory that the tree takes. This is the fair figure."""
    rss: int = 0
    """Resident set size: what `top` shows. A page that n processes share counts n times."""


def sample(root: psutil.Process, peak: Peak) -> None:
    """Raises `peak` to what the tree under `root` holds now. Members may end meanwhile."""
    pss = rss = 0
    try:
        members = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in members:
        try:
            memory = member.memory_full_info()
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        pss += memory.pss
        rss += memory.rss
    peak.pss, peak.rss = max(peak.pss, pss), max(peak.rss, rss)


def run(command: list[str], watch: bool) -> tuple[str, Peak]:
    """Runs `command`; answers what it printed, and its tree's peak where `watch` asks for it.

    Reading proportional sizes walks page tables and slows the process down, so a run is either
    timed or watched, never both.
    """
    peak = Peak()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if watch:
            root = psutil.Process(process.pid)
            while process.poll() is None:
                sample(root, peak)
                time.sleep(0.2)
        printed, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(f"error: `{' '.join(command)}` failed with {process.returncode}")
    return printed, peak
