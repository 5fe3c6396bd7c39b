"""The journal: what is added comes out, in order, through the wire and the trusted side's parser."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from grader.evidence import Frame, parse_evidence
from grader.recorder import fingerprint, journal
from grader.recorder.journal import Journal
from grader.recorder.wire import Wire
from tests.recorder.images import make_images

Pair = tuple[Wire, Callable[[], list[Frame]]]
IMAGES = make_images(12, 3)[0]
SAMPLES = fingerprint.sample(IMAGES)


def forward(book: Journal, images: np.ndarray, flags: int, who: int) -> int:
    """A forward event with its images."""
    event = book.forward(flags, who)
    book.images(torch.from_numpy(images))
    return event


def test_round_trip(wire: Pair) -> None:
    """Kinds, flags, numbers, values, keys and predicted classes arrive as they were added."""
    book = Journal(wire[0])
    assert forward(book, IMAGES[:4], journal.GRAD_ENABLED, 5) == 0
    book.logits(torch.eye(10)[[3, 1, 4, 1]])
    book.loss(5, 4, torch.tensor(2.5))
    book.backward(journal.STALE, 5, 1, torch.tensor([2.5]))
    forward(book, IMAGES[4:7], 0, 6)
    assert book.add(journal.STEP, 0, 2) == 4
    book.flush()
    events = parse_evidence(wire[1]()).events
    assert events.kind.tolist() == [1, 5, 2, 1, 3]
    assert events.flags.tolist() == [1, 0, 2, 0, 0]
    assert events.who.tolist() == [5, 5, 5, 6, 2]
    assert events.size.tolist() == [4, 4, 1, 3, 0]
    assert events.start.tolist() == [0, 4, 4, 4, 7]
    assert np.array_equal(events.value, [np.nan, 2.5, 2.5, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(events.keys, fingerprint.keys(SAMPLES[:7]))
    assert events.predicted.tolist() == [3, 1, 4, 1, *[journal.UNKNOWN] * 3]


def test_several_flushes_are_one_story(wire: Pair) -> None:
    """Chunks of the journal join without a seam."""
    book = Journal(wire[0])
    for i in range(12):
        forward(book, IMAGES[i : i + 1], 0, i)
        book.flush()
    frames = wire[1]()
    assert len(frames) == 12
    events = parse_evidence(frames).events
    assert events.start.tolist() == list(range(12))
    assert np.array_equal(events.keys, fingerprint.keys(SAMPLES))


def test_flushing_nothing_sends_nothing(wire: Pair) -> None:
    """An empty journal is silent."""
    Journal(wire[0]).flush()
    assert wire[1]() == []


def test_sends_by_itself(wire: Pair) -> None:
    """A long run does not pile its events up until the end."""
    book = Journal(wire[0])
    for _ in range(2500):
        forward(book, IMAGES[:1], 0, 0)
    assert len(wire[1]()) >= 1


def test_values_that_are_no_numbers(wire: Pair) -> None:
    """Of a loss with several elements the mean counts; one with none, and any other event, has an unknown value and is
    no error."""
    book = Journal(wire[0])
    for value in (torch.tensor([1.0, 2.0, 6.0]), torch.zeros(0)):
        book.loss(0, 1, value)
    book.add(journal.STEP)
    book.flush()
    assert np.array_equal(parse_evidence(wire[1]()).events.value, [3.0, np.nan, np.nan], equal_nan=True)


def test_logits_of_another_size_are_not_taken(wire: Pair) -> None:
    """Scores that do not belong row by row to the images leave the predicted classes unknown."""
    book = Journal(wire[0])
    book.logits(torch.eye(10))
    forward(book, IMAGES[:4], 0, 0)
    book.logits(torch.eye(10))
    book.flush()
    assert parse_evidence(wire[1]()).events.predicted.tolist() == [journal.UNKNOWN] * 4


def test_counts() -> None:
    """The journal knows how many events, and how many backward passes, there were."""
    book = Journal(Wire(-1))
    book.backward(0, 0, 1, torch.tensor(1.0))
    book.add(journal.STEP)
    assert (book.count, book.count_of_training) == (2, 1)


def test_a_batch_that_passed_is_as_one_that_was_announced(wire: Pair) -> None:
    """The short way writes the same row, keys and classes as the long one, also where the images have no name."""
    book = Journal(wire[0])
    forward(book, IMAGES[:3], journal.GRAD_ENABLED, 1)
    book.passed(journal.GRAD_ENABLED, 1, torch.from_numpy(IMAGES[:3]))
    book.logits(torch.eye(10)[:3])
    with pytest.raises(AttributeError):
        book.passed(0, 1, None)  # type: ignore[arg-type]
    book.flush()
    events = parse_evidence(wire[1]()).events
    assert events.flags.tolist() == [1, 1, 0]
    assert events.size.tolist() == [3, 3, 0]
    assert events.keys[:3].tolist() == events.keys[3:].tolist() == fingerprint.keys(SAMPLES[:3]).tolist()
    assert events.predicted.tolist() == [journal.UNKNOWN] * 3 + [0, 1, 2]


def test_losses_of_every_kind_are_numbers(wire: Pair) -> None:
    """A loss of several elements counts as their mean; half precision and integers are numbers too."""
    book = Journal(wire[0])
    for loss in (torch.tensor([1.0, 3.0]), torch.tensor(1.5, dtype=torch.float16), torch.tensor(7)):
        book.loss(0, 1, loss)
    book.flush()
    assert parse_evidence(wire[1]()).events.value.tolist() == [2.0, 1.5, 7.0]
