"""A run that is forked, as all of a class are, leaves the evidence of a run by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.evidence import Frame
from grader.pipeline import Grader, find_candidates
from grader.pipeline.collect import _Reader, recorder_config
from grader.sandbox import kept_zygote, run
from grader.sandbox.zygote import Zygote
from grader.submission import load_submission

PROBES = np.linspace(0, 1, 64 * 784, dtype=np.float32).reshape(64, 784)


def frames(grader: Grader, path: Path, zygote: Zygote | None) -> list[Frame]:
    """All that a run sends, up to its end."""
    (candidate,) = find_candidates(path, one=path.is_dir())
    reader = _Reader(lambda: PROBES, lambda _: None)
    config = recorder_config(grader.assignment, grader.limits)
    run(
        load_submission(candidate), grader.assignment, grader.dataset, config, grader.isolation, reader.on_chunk,
        grader.limits, zygote=zygote,
    )  # fmt: skip
    return reader.frames


def told(frame: Frame) -> tuple[str, dict[str, Any], dict[str, bytes]]:
    """A frame without what a clock said, and without how text was cut, which is the clock's affair, too."""
    header = {name: value for name, value in frame.header.items() if name != "wall_s"}
    if frame.kind == "cell":
        header["printed"] = "".join(each.get("text", "") for each in header["outputs"])
        header["outputs"] = [each for each in header["outputs"] if each["output_type"] != "stream"]
    return frame.kind, header, {name: array.tobytes() for name, array in frame.arrays.items()}


@pytest.mark.parametrize("name", ["solution-notebook", "dataloader-style", "second-cell-fails"])
def test_the_evidence_is_the_same(small_grader: Grader, repo_root: Path, name: str) -> None:
    """To the last bit: weights, gradients, journal, outputs, pictures and errors; only times differ."""
    zygote = kept_zygote(small_grader.isolation.level)
    if zygote is None:
        pytest.skip("this machine does not give full isolation to forks")
    path = repo_root / "submissions" / name
    forked, alone = frames(small_grader, path, zygote), frames(small_grader, path, None)
    kinds = [frame.kind for frame in alone]
    assert {"hello", "trace", "snapshot", "state", "probe", "done"} <= set(kinds)

    def by_kind(sent: list[Frame]) -> list[Any]:
        every = (told(frame) for frame in in_one_journal(sent) if frame.kind != "output")
        return sorted(every, key=lambda each: each[0])

    for one, other in zip(by_kind(forked), by_kind(alone), strict=True):
        assert one[:2] == other[:2]
        assert one[2].keys() == other[2].keys()
        assert [name for name in one[2] if one[2][name] != other[2][name]] == [], one[0]


def in_one_journal(sent: list[Frame]) -> list[Frame]:
    """The frames, with the parts of the journal as one: how many there are is the clock's affair."""
    parts = [frame for frame in sent if frame.kind == "events"]
    names = parts[0].arrays if parts else {}
    arrays = {name: np.concatenate([part.arrays[name] for part in parts]) for name in names}
    rest = [frame for frame in sent if frame.kind != "events"]
    return [*rest, Frame("events", parts[-1].header, arrays)] if parts else rest
