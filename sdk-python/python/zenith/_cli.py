"""The `zenith` command: a way into the native one."""

from __future__ import annotations

import os
import signal
import sys

from zenith import _native
from zenith._context import REGISTRY


def main() -> int:
    """Runs the command with this process's arguments; answers its exit code."""
    # Python's own handlers only run between two of its instructions, and the command is one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # Where a compiler of plugins is a Python package, it is looked for beside this one.
    os.environ.setdefault("ZENITH_PYTHON", sys.executable)
    return _native.run_command(sys.argv, REGISTRY)


if __name__ == "__main__":
    sys.exit(main())
