"""Numbers for parameters and optimizers, and places in the student's work."""

from __future__ import annotations

import numpy as np
import torch

from grader.recorder.place import Places
from grader.recorder.registry import CAP, Optimizers, Parameters, array


def test_parameters_keep_their_number() -> None:
    """A tensor has one number for ever, and its first values are kept although it changes."""
    parameters = Parameters()
    one, two = torch.zeros(3, requires_grad=True), torch.ones(2, requires_grad=True)
    assert [parameters.number(one), parameters.number(two), parameters.number(one)] == [0, 1, 0]
    assert parameters.known(torch.zeros(3)) is None
    with torch.no_grad():
        one += 5
    assert parameters.first[0].tolist() == [0, 0, 0]


def test_parameters_are_capped() -> None:
    """Layers that are made anew for ever do not fill the memory; how many there were is told."""
    parameters = Parameters()
    numbers = [parameters.number(torch.zeros(1, requires_grad=True)) for _ in range(CAP + 7)]
    assert numbers[CAP:] == [-1] * 7
    assert parameters.overflow == 7


def test_array_is_a_copy_in_single_precision() -> None:
    """Half precision becomes float32, double stays, integers stay; the result is no view."""
    tensor = torch.zeros(2, requires_grad=True)
    copied = array(tensor)
    with torch.no_grad():
        tensor += 1
    assert copied.tolist() == [0, 0]
    kinds = [torch.float16, torch.bfloat16, torch.float64, torch.int64]
    assert [array(torch.zeros(1, dtype=k)).dtype for k in kinds] == [np.float32, np.float32, np.float64, np.int64]


def test_optimizer_in_words() -> None:
    """Class, settings and parameters of each group are plain values; a tensor that no layer used is -1."""
    parameters = Parameters()
    known, unknown = torch.zeros(3, requires_grad=True), torch.zeros(2, 2, requires_grad=True)
    parameters.number(known)
    optimizers = Optimizers(parameters)
    rate = torch.tensor(0.25)
    made = torch.optim.SGD([{"params": [known]}, {"params": [unknown], "lr": rate}], lr=0.5, momentum=0.9)
    assert optimizers.number(made) == optimizers.number(made) == 0
    told = optimizers.describe(made)
    assert (told["class"], told["module"]) == ("SGD", "torch.optim.sgd")
    assert [g["parameters"] for g in told["groups"]] == [[0], [-1]]
    assert [g["shapes"] for g in told["groups"]] == [[[3]], [[2, 2]]]
    assert [g["settings"]["lr"] for g in told["groups"]] == [0.5, 0.25]
    assert told["groups"][0]["settings"]["momentum"] == 0.9


def test_subclass_of_an_optimizer_names_its_bases() -> None:
    """A student's own subclass of SGD is known as one."""

    class Mine(torch.optim.SGD):
        pass

    told = Optimizers(Parameters()).describe(Mine([torch.zeros(1, requires_grad=True)], lr=0.1))
    assert told["class"] == "Mine"
    assert "SGD" in told["bases"]


def test_places_of_files_and_cells() -> None:
    """Files of the workspace and cells that ran are the student's; the assignment's helper script is not."""
    places = Places("/w/", "student.ipynb")
    places.add_cell("/tmp/ipykernel_1/99.py", 4, "\n  \nx = 1\n")
    assert places.is_student("/w/parts/model.py")
    assert places.is_student("/tmp/ipykernel_1/99.py")
    assert not places.is_student("/w/helper_functions.py")
    assert not places.is_student("/usr/lib/python3/os.py")
    assert not places.is_student("/wide/model.py")
    assert places.describe("/w/parts/model.py", 3) == {"file": "parts/model.py", "cell": None, "line": 3}
    assert places.describe("/tmp/ipykernel_1/99.py", 7) == {"file": "student.ipynb", "cell": 4, "line": 9}


def test_innermost_frame_of_the_student() -> None:
    """The place is the student's nearest line, not the library's below it; None where there is no such line."""
    places = Places("/w", "main.py")
    namespace = {"here": places.here}
    code = "def deep():\n    return sorted([1], key=lambda _: found.append(here()))\n\nfound = []\ndeep()\n"
    exec(compile(code, "/w/main.py", "exec"), namespace)  # noqa: S102
    assert namespace["found"] == [{"file": "main.py", "cell": None, "line": 2}]
    assert places.here() is None


def test_place_of_an_exception() -> None:
    """An error's place is the innermost line of the student's that it passed."""
    places = Places("/w", "main.py")
    try:
        exec(compile("import json\n\njson.loads('{')\n", "/w/main.py", "exec"), {})  # noqa: S102
    except ValueError as error:
        place = places.of_traceback(error.__traceback__)
    assert place == {"file": "main.py", "cell": None, "line": 3}
