"""What a student may see of a grade: the checks that the rubric withholds leave no trace in what is released."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from grader.score import Accuracy, EpochMetrics, Finding, Grade, QuestionScore, Training

# Measured facts give a check's verdict away as well as its text does. By the prefix of the check's id.
_TELLS_THE_ACCURACY = ("accuracy.", "testing.reported")
_TELLS_THE_TRAINING = ("data.", "training.", "update.", "objective.")
_TELLS_THE_TEST_PHASE = ("data.", "testing.")
_TELLS_THE_STAGES = ("layers.", "forward.")
_TELLS_THE_FILTERS = ("filters.", "layers.convolution")


def release(grade: Grade, withheld: Collection[str]) -> Grade:
    """`grade` without the checks in `withheld` and whatever would tell how they went.

    Scores and maxima are those of the checks that stay, for a total over all of them would give the others away by
    subtraction; `withheld_points` says how many points are not counted. The reasons for review are the teacher's.
    """
    questions = tuple(_visible(grade.questions, withheld))
    gone = frozenset(check.id for question in grade.questions for check in question.checks if check.id in withheld)
    full = sum(question.max_score for question in grade.questions)
    left = sum(question.max_score for question in questions)
    return replace(
        grade,
        score=round(sum(question.score for question in questions), 4) if gone else grade.score,
        max_score=left if gone else grade.max_score,
        withheld_points=full - left if gone else 0.0,
        questions=questions,
        findings=tuple(finding for finding in grade.findings if _may_be_told(finding, grade, gone)),
        accuracy=Accuracy() if _any(gone, _TELLS_THE_ACCURACY) else grade.accuracy,
        training=_training(grade.training, gone),
        review=(),
        message="" if grade.status == "invalid_evidence" else grade.message,
        stages=() if _any(gone, _TELLS_THE_STAGES) else grade.stages,
        filters=() if _any(gone, _TELLS_THE_FILTERS) else grade.filters,
        weights=None,
    )


def _visible(questions: Iterable[QuestionScore], withheld: Collection[str]) -> Iterable[QuestionScore]:
    for question in questions:
        checks = tuple(check for check in question.checks if check.id not in withheld)
        if checks == question.checks:
            yield question
        elif checks:
            most = sum(check.max_points for check in checks)
            score = min(sum(check.points or 0.0 for check in checks), most)
            yield replace(question, checks=checks, score=round(score, 4), max_score=most)


def _may_be_told(finding: Finding, grade: Grade, gone: frozenset[str]) -> bool:
    """Whether no withheld check noticed the finding, or one that is shown tells of it anyway."""
    carriers = {
        check.id
        for question in grade.questions
        for check in question.checks
        if check.finding == finding.id and check.where == finding.where
    }
    concerned = carriers | set(finding.checks)
    return not concerned or not concerned <= gone


def _training(training: Training, gone: frozenset[str]) -> Training:
    accuracy, training_phase, test_phase = (
        _any(gone, prefixes) for prefixes in (_TELLS_THE_ACCURACY, _TELLS_THE_TRAINING, _TELLS_THE_TEST_PHASE)
    )
    if training_phase:
        return Training()
    if test_phase:
        training = replace(training, test_examples_seen=None, test_examples=None)
    if not (accuracy or test_phase):
        return training
    curves = (training.epochs, training.reference_epochs)
    own, reference = (tuple(EpochMetrics(e.train_loss, e.train_accuracy) for e in epochs) for epochs in curves)
    return replace(training, epochs=own, reference_epochs=reference)


def _any(gone: Iterable[str], prefixes: tuple[str, ...]) -> bool:
    return any(check.startswith(prefixes) for check in gone)
