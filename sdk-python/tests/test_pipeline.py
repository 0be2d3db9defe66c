"""Pipelines as declared."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zenith
from conftest import Photos, epoch, evaluation, training


def test_a_declaration_is_flat_tables_of_operators() -> None:
    declared = (
        zenith.read_images("photos")
        .sample("zenith:shuffle", seed=42)
        .decode()
        .map("acme:sepia", strength=0.4, limits={"time": 2})
        .map_batch("acme:mix", alpha=(1, 2))
        .batch(64, drop_last=True)
    )
    assert declared.to_dict() == {
        "source": {"kind": "images", "path": "photos"},
        "operator": [
            {"sample": "zenith:shuffle", "seed": 42},
            {"decode": "auto"},
            {"map": "acme:sepia", "strength": 0.4, "limits": {"time": 2}},
            {"map-batch": "acme:mix", "alpha": [1, 2]},
        ],
        "batch": {"size": 64, "drop_last": True},
    }
    assert zenith.Pipeline.from_dict(declared.to_dict()) == declared
    assert pickle.loads(pickle.dumps(declared)) == declared


def test_two_pipelines_share_their_beginning() -> None:
    photos = zenith.read_images("photos").decode()
    small, large = photos.map("zenith:resize", size=8), photos.map("zenith:resize", size=9)
    assert len(photos.operators) == 1
    assert small.operators[0] is large.operators[0]
    assert small != large


def test_a_configuration_is_copied_when_it_is_declared() -> None:
    mean = [0.5, 0.5, 0.5]
    declared = zenith.read_images("photos").map("zenith:normalize", mean=mean, std=[1.0])
    mean[0] = 9.0
    assert declared.to_dict()["operator"][0]["mean"] == [0.5, 0.5, 0.5]


def test_a_pipeline_prints_as_the_code_that_declares_it() -> None:
    declared = training(Path("photos"), size=224, batch=64, seed=42)
    assert eval(f"({declared!r})", {"zenith": zenith}) == declared


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), ["`strength` is not JSON", "`object`"]),
        (np.float32(0.5), ["`strength` is not JSON", "`float32`", "tolist"]),
        (b"x", ["`strength` is not JSON", "`bytes`"]),
        ([1, {2}], ["`strength[1]` is not JSON", "`set`"]),
        ({"a": {"b": 1j}}, ["`strength.a.b` is not JSON", "`complex`"]),
        ({1: 2}, ["`strength` has the key 1"]),
    ],
)
def test_what_is_not_json_is_refused_with_operator_and_key(value: Any, words: list[str]) -> None:
    with pytest.raises(TypeError) as caught:
        zenith.read_images("photos").map("acme:sepia", strength=value)
    for word in ["map `acme:sepia`", *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda start: start.map("a:b", p=float("nan")), "map `a:b`: `p` is nan"),
        (lambda start: start.map("a:b", sample=1), "map `a:b`: `sample` is reserved"),
        (
            lambda start: start.map("a:b", limits={"cpu": 1}),
            "memory, time, output, instances, but not `cpu`",
        ),
        (lambda start: start.batch(0), "at least 1, but not 0"),
        (lambda start: start.batch(2.5), "at least 1, but not 2.5"),
        (lambda start: zenith.Pipeline.from_dict({"operator": []}), "`source` is a table"),
    ],
)
def test_a_senseless_declaration_is_refused(declare: Any, words: str) -> None:
    with pytest.raises(zenith.PipelineError) as caught:
        declare(zenith.read_images("photos"))
    assert words in str(caught.value)


def test_a_plugin_is_named_by_text() -> None:
    with pytest.raises(TypeError, match="`map` takes the name of a plugin"):
        zenith.read_images("photos").map(3)  # type: ignore[arg-type]


def test_a_file_declares_the_same_as_python(photos: Photos, tmp_path: Path) -> None:
    declared = evaluation(photos.folder)
    path = photos.folder.parent / "pipeline.toml"
    path.write_text(
        '[source]\nkind = "images"\npath = "train"\n'
        '[[operator]]\ndecode = "zenith:jpeg"\n'
        '[[operator]]\nmap = "zenith:resize"\nsize = 112\n'
        '[[operator]]\nmap = "zenith:center-crop"\nsize = 96\n'
        '[[operator]]\nmap = "zenith:normalize"\n'
        "mean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]\n"
        "[batch]\nsize = 8\n"
    )
    read = zenith.from_file(path)
    assert read.operators == declared.operators
    assert read.source["path"] == str(photos.folder)
    for ours, theirs in zip(epoch(read), epoch(declared), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_wrong_file_is_named_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(zenith.SourceError, match=r"nowhere\.toml"):
        zenith.from_file(tmp_path / "nowhere.toml")
    path = tmp_path / "pipeline.toml"
    path.write_text('[source]\nkind = "images"\npath = 3\n')
    with pytest.raises(zenith.PipelineError) as caught:
        zenith.from_file(path)
    assert str(path) in str(caught.value)


def test_explain_names_each_step_and_what_runs_it(photos: Photos) -> None:
    text = training(photos.folder).explain()
    for word in ["zenith:shuffle@0.1.0", "zenith:jpeg@0.1.0", "zenith:random-resized-crop@0.1.0"]:
        assert word in text
    assert "native" in text
    assert "wasm" in training(photos.folder).explain(engine="wasm").lower()


def test_a_lockfile_pins_what_a_pipeline_names(photos: Photos) -> None:
    path = evaluation(photos.folder).lock()
    assert path == Path.cwd() / "zenith.lock"
    text = path.read_text()
    assert "zenith:jpeg" in text
    assert "sha256:" in text
    assert len(epoch(evaluation(photos.folder))[1]) == len(photos)


def test_a_declaration_is_json(photos: Photos) -> None:
    declared = training(photos.folder)
    assert json.loads(declared.to_json()) == declared.to_dict()
