"""Submission -> evidence: one run in the sandbox, or what an earlier run of the same content left."""

from __future__ import annotations

import hashlib
import secrets
import struct
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from grader.assignment import Assignment, Dataset, Limits
from grader.checks.excused import excused
from grader.errors import EvidenceError
from grader.evidence import Evidence, Frame, FrameReader, parse_evidence
from grader.recorder import RECORDER_VERSION
from grader.sandbox import Isolation, Outcome, Reply, kept_zygote
from grader.sandbox import run as run_in_sandbox
from grader.store import EvidenceStore, Stored, evidence_key
from grader.submission import Submission

Listener = Callable[[str], None]


@dataclass(frozen=True)
class Collected:
    """A run: how it ended, what it left, and whether that came from the store. `flaw` tells of malformed evidence."""

    outcome: Outcome
    evidence: Evidence
    cached: bool
    probe_seed: int
    flaw: str = ""


class _Reader:
    """Reads the pipe: hands the probes in when the student's code has ended, ends the run when they are answered."""

    def __init__(self, probes: Callable[[], np.ndarray], listener: Listener):
        self._frames = FrameReader()
        self._probes = probes
        self._listener = listener
        self.frames: list[Frame] = []
        self.chunks: list[bytes] = []
        self.flaw = ""
        self.done = False

    def on_chunk(self, chunk: bytes) -> Reply:
        if self.flaw:
            return Reply(stop=True)
        self.chunks.append(chunk)
        try:
            arrived = self._frames.feed(chunk)
        except EvidenceError as error:
            self.flaw = str(error)
            return Reply(stop=True)
        self.frames.extend(arrived)
        reply = Reply()
        for frame in arrived:
            if frame.kind == "cell-start":
                self._listener(f"cell {frame.header.get('cell')}")
            if frame.kind == "ended":
                self._listener("probing the model")
                payload = self._probes().astype(np.float32).tobytes()
                reply = Reply(send=struct.pack(">Q", len(payload)) + payload)
            self.done = self.done or frame.kind == "done"
            if frame.kind in ("done", "broken"):
                reply = Reply(stop=True)
        return reply


def collect(
    submission: Submission,
    assignment: Assignment,
    dataset: Dataset,
    make_probes: Callable[[int], np.ndarray],
    isolation: Isolation,
    limits: Limits,
    store: EvidenceStore | None,
    listener: Listener,
    cancelled: threading.Event | None,
) -> Collected:
    """Runs `submission`, or reads its stored run; `store` None runs it in any case.

    `make_probes` makes the probe images (N, 784) of a seed, which nobody in the sandbox knows before it has ended.
    """
    key = run_key(submission, assignment, dataset, isolation, limits)
    stored = store.load(key) if store is not None else None
    if stored is not None:
        found = _from_store(stored)
        if found is not None:
            return found
    seed = secrets.randbits(63)
    reader = _Reader(lambda: make_probes(seed), listener)
    config = recorder_config(assignment, limits)
    outcome = run_in_sandbox(
        submission, assignment, dataset, config, isolation, reader.on_chunk, limits, cancelled,
        zygote=kept_zygote(isolation.level),
    )  # fmt: skip
    evidence, flaw = _parse(reader.frames, reader.flaw, outcome.isolation)
    outcome = _as_it_ended(outcome, reader.done, evidence, flaw)
    # A limit that struck may have been the machine's fault, and what the sandbox lacked it may have elsewhere: such a
    # run is worth another try.
    if store is not None and outcome.limit is None and not flaw and excused(evidence) is None:
        store.save(key, Stored({"outcome": asdict(outcome), "probe_seed": seed}, b"".join(reader.chunks)))
    return Collected(outcome, evidence, False, seed, flaw)


def recorder_config(assignment: Assignment, limits: Limits) -> dict[str, Any]:
    """What the recorder is told of the assignment; nothing of it is secret."""
    parameters = assignment.rubric.parameters
    return {
        "seed": int(parameters["seed"]),
        "classes": int(parameters["classes"]),
        "output_bytes": limits.output_bytes,
        "reference_loop": {key: parameters[key] for key in ("epochs", "batch_size", "learning_rate")},
    }


def _as_it_ended(outcome: Outcome, done: bool, evidence: Evidence, flaw: str) -> Outcome:
    """A run without a limit that never said that it was done has died, whatever its exit code."""
    if done or flaw or outcome.limit is not None or outcome.status not in ("stopped", "finished"):
        return outcome
    cell = "" if evidence.started_cell is None else f" in cell {evidence.started_cell}"
    return replace(outcome, status="crashed", message=f"the program ended its own Jupyter kernel{cell}")


def run_key(
    submission: Submission, assignment: Assignment, dataset: Dataset, isolation: Isolation, limits: Limits
) -> str:
    """The name of a run in the store: it depends on everything that the evidence depends on."""
    helpers = {name: hashlib.sha256(content).hexdigest() for name, content in assignment.helpers.items()}
    parameters = assignment.rubric.parameters
    parts = {
        "submission": submission.sha256,
        "kind": submission.entry_kind,
        "dataset": dataset.sha256,
        "recorder": RECORDER_VERSION,
        "helpers": helpers,
        "isolation": isolation.level,
        "limits": asdict(limits),
        "seed": parameters["seed"],
        "loop": [parameters[key] for key in ("classes", "epochs", "batch_size", "learning_rate")],
    }
    return evidence_key(parts)


def _parse(frames: list[Frame], flaw: str, isolation: str) -> tuple[Evidence, str]:
    try:
        return believed(frames, isolation), flaw
    except EvidenceError as error:
        return parse_evidence([]), str(error)


def believed(frames: list[Frame], isolation: str) -> Evidence:
    """The evidence of a run, as far as it can be so at its isolation; raises EvidenceError.

    Full isolation gives every run shared memory, so that no error there is for want of it, whatever is told.
    """
    evidence = parse_evidence(frames)
    if isolation != "full":
        return evidence
    return replace(evidence, errors=tuple(replace(error, no_shared_memory=False) for error in evidence.errors))


def _from_store(stored: Stored) -> Collected | None:
    try:
        outcome = Outcome(**stored.account["outcome"])
        evidence = believed(FrameReader().feed(stored.stream), outcome.isolation)
        return Collected(outcome, evidence, True, int(stored.account["probe_seed"]))
    except (EvidenceError, TypeError, KeyError, ValueError):
        return None
