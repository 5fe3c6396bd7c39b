"""What is graded and with what: the rubric, the limits, the data set, the reference model and its baseline.

Importing this package imports neither numpy nor torch; the functions that need them do. Fetching MNIST stands in
`grader.assignment.download`, which is imported where it is needed, for it brings the HTTP client.
"""

from grader.assignment.baselines import Baseline, BaselineEpoch, calibrate, find_baseline, write_baseline
from grader.assignment.cache import cache_directory
from grader.assignment.data import (
    Dataset,
    DatasetArrays,
    find_dataset,
    install_dataset,
    installed_dataset,
    receive_dataset,
    staged_dataset,
)
from grader.assignment.folder import Assignment, load_assignment
from grader.assignment.progress import Progress, silent
from grader.assignment.rubric import CheckSpec, Limits, Question, Rubric, Visibility, load_rubric, with_limits

__all__ = [
    "Assignment",
    "Baseline",
    "BaselineEpoch",
    "CheckSpec",
    "Dataset",
    "DatasetArrays",
    "Limits",
    "Progress",
    "Question",
    "Rubric",
    "Visibility",
    "cache_directory",
    "calibrate",
    "find_baseline",
    "find_dataset",
    "install_dataset",
    "installed_dataset",
    "load_assignment",
    "load_rubric",
    "receive_dataset",
    "silent",
    "staged_dataset",
    "with_limits",
    "write_baseline",
]
