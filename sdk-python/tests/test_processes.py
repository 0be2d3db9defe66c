"""Processes: forks, torch's own workers, interrupts, a missing torch, panics, and the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import zenith
from conftest import Photos, Script
from zenith import _native

FORK = """
    import faulthandler, os, sys
    from pathlib import Path
    import numpy as np
    import zenith
    from conftest import arrays, training

    faulthandler.dump_traceback_later(120, exit=True)

    def child(work):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work()
                status = 0
            finally:
                sys.stderr.flush()
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    loader = zenith.DataLoader(
        training(Path(sys.argv[1])), num_workers=2, engine=sys.argv[2], seed=1
    )
"""


@pytest.mark.parametrize("engine", ["native", "wasm"])
def test_a_loader_made_before_a_fork_works_in_the_child(
    photos: Photos, script: Script, engine: str
) -> None:
    script(
        FORK
        + """
    def same():
        for ours, theirs in zip(arrays(loader), expected, strict=True):
            np.testing.assert_array_equal(ours[0], theirs[0])

    other = zenith.DataLoader(training(Path(sys.argv[1])), engine=sys.argv[2], seed=1)
    expected = arrays(other)
    child(same)
    child(same)
    same()
    """,
        photos.folder,
        engine,
    )


@pytest.mark.parametrize("engine", ["native", "wasm"])
def test_a_child_begins_anew_while_its_parent_iterates(
    photos: Photos, script: Script, engine: str
) -> None:
    script(
        FORK
        + """
    first = arrays(loader)
    iterator = iter(loader)
    kept = next(iterator)

    def work():
        global iterator, kept
        try:
            next(iterator)
        except zenith.ResourceError as error:
            assert "was begun in process" in str(error)
            assert "iter(loader)" in error.hint
        else:
            raise AssertionError("the child took a batch from its parent's threads")
        assert loader.state_dict()["epoch"] == 2
        del iterator, kept
        loader.set_epoch(0)
        for ours, theirs in zip(arrays(loader), first, strict=True):
            np.testing.assert_array_equal(ours[0], theirs[0])

    child(work)
    assert len(list(iterator)) == 2
    assert len(arrays(loader)) == 3
    """,
        photos.folder,
        engine,
    )


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_loader_runs_in_the_workers_of_torchs(
    photos: Photos, script: Script, method: str
) -> None:
    script(
        """
        import sys
        from pathlib import Path
        import torch
        import zenith
        from conftest import training
        from torch.utils.data import DataLoader, IterableDataset, get_worker_info

        class Shard(IterableDataset):
            def __init__(self, pipeline):
                self.pipeline = pipeline

            def __iter__(self):
                info = get_worker_info()
                yield from zenith.DataLoader(
                    self.pipeline, num_workers=1, seed=0, rank=info.id, world_size=info.num_workers
                )

        class Whole(IterableDataset):
            def __init__(self, loader):
                self.loader = loader

            def __iter__(self):
                return iter(self.loader)

        def labels(dataset):
            loader = DataLoader(
                dataset, batch_size=None, num_workers=2, multiprocessing_context=sys.argv[2]
            )
            return torch.cat([labels for _, labels in loader]).sort().values.tolist()

        if __name__ == "__main__":
            pipeline = training(Path(sys.argv[1]))
            expected = [0] * 8 + [1] * 8 + [2] * 8
            assert labels(Shard(pipeline)) == expected
            used = zenith.DataLoader(pipeline, num_workers=2, seed=0)
            list(used)
            assert labels(Whole(used)) == sorted(expected * 2)
        """,
        photos.folder,
        method,
    )


INTERRUPTED = """
    import signal, sys
    from pathlib import Path
    import zenith
    from conftest import training

    signal.signal(signal.SIGINT, signal.default_int_handler)
    loader = zenith.DataLoader(
        training(Path(sys.argv[1]), size=768, batch=12), num_workers=int(sys.argv[2])
    )
    iterator, interrupts, over = iter(loader), 0, False
    while not over:
        try:
            print("waiting", flush=True)
            over = next(iterator, None) is None
        except KeyboardInterrupt:
            interrupts += 1
    # An interrupt between two instructions may lose a batch in Python; none is lost before.
    assert loader.stats().samples == 24
    print("interrupts", interrupts)
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupt_during_a_wait_leaves_the_iterator_usable(
    photos: Photos, tmp_path: Path, workers: int
) -> None:
    path = tmp_path / "interrupted.py"
    path.write_text(textwrap.dedent(INTERRUPTED))
    folders = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    with subprocess.Popen(
        [sys.executable, str(path), str(photos.folder), str(workers)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, folders))},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()
        assert process.wait() == 0
    assert int(output.split()[-1]) == 1


def test_without_torch_batches_are_arrays(photos: Photos, script: Script) -> None:
    output = script(
        """
        import importlib.abc, sys
        from pathlib import Path

        class NoTorch(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "torch":
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        sys.meta_path.insert(0, NoTorch())
        import numpy
        import zenith
        from conftest import training

        images, labels = next(iter(zenith.DataLoader(training(Path(sys.argv[1])), num_workers=1)))
        assert type(images) is type(labels) is numpy.ndarray
        assert images.shape == (8, 3, 64, 64)
        assert "torch" not in sys.modules
        try:
            zenith.DataLoader(training(Path(sys.argv[1])), framework="torch")
        except zenith.OptionError as error:
            print(error)
        """,
        photos.folder,
    )
    assert "not installed" in output.stdout


def test_importing_zenith_imports_no_framework_and_starts_no_thread(script: Script) -> None:
    script(
        """
        import sys
        import zenith
        assert "torch" not in sys.modules and "numpy" not in sys.modules
        import os
        assert len(os.listdir("/proc/self/task")) == 1
        """
    )


def test_a_panic_becomes_an_internal_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(zenith.InternalError) as caught:
        _native._panic_for_tests()
    assert str(caught.value) == (
        "an internal error in Zenith: a panic on purpose\n"
        "hint: please report this, with the pipeline and the traceback"
    )
    assert "a panic on purpose" in capfd.readouterr().err


def test_an_interpreter_may_end_while_a_loader_runs(photos: Photos, script: Script) -> None:
    script(
        """
        import sys
        from pathlib import Path
        import zenith
        from conftest import training

        loader = zenith.DataLoader(training(Path(sys.argv[1])), num_workers=2)
        iterator = iter(loader)
        kept = next(iterator)
        """,
        photos.folder,
    )


COMMAND = [sys.executable, "-m", "zenith._cli"]


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def pipeline_file(photos: Photos, tmp_path: Path) -> Path:
    path = tmp_path / "pipeline.toml"
    path.write_text(
        f"[source]\nkind = 'images'\npath = {json.dumps(str(photos.folder))}\n"
        "[[operator]]\ndecode = 'zenith:jpeg'\n"
        "[[operator]]\nmap = 'zenith:random-resized-crop'\nsize = 64\n"
        "[batch]\nsize = 8\n"
    )
    return path


def test_the_command_explains_as_python_does(pipeline_file: Path) -> None:
    result = command("explain", pipeline_file)
    assert result.returncode == 0, result.stderr
    assert "zenith:random-resized-crop@0.1.0" in result.stdout


def test_the_command_runs_a_pipeline_on_the_shipped_plugins(pipeline_file: Path) -> None:
    result = command("run", pipeline_file, "--batches", 2)
    assert result.returncode == 0, result.stderr
    assert (
        "images/s" in result.stdout + result.stderr or "samples/s" in result.stdout + result.stderr
    )


def test_the_command_answers_with_its_exit_code() -> None:
    assert command("explain", "nowhere.toml").returncode == 1
    assert command("no-such-thing").returncode == 2
    listed = command("registry", "list")
    assert listed.returncode == 0
    assert "zenith:jpeg" in listed.stdout


def test_an_interrupt_ends_the_command(pipeline_file: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "run", str(pipeline_file), "--batches", "1000000000"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 60
        # The command is under way once it has started a thread.
        tasks = Path(f"/proc/{process.pid}/task")
        while len(list(tasks.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) in (-signal.SIGINT, 130)
