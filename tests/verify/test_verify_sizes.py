"""The size of an operation's result is known before its memory is taken."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from grader.verify.sizes import result_size

ATEN = torch.ops.aten
IMAGES, KERNELS = torch.ones(2, 1, 28, 28), torch.ones(10, 1, 8, 8)
CASES: list[tuple[str, Any, list[Any]]] = [
    ("convolution", ATEN.convolution.default, [IMAGES, KERNELS, None, [2, 2], [1, 0], [1, 2], False, [0, 0], 1]),
    ("addmm", ATEN.addmm.default, [torch.ones(4), torch.ones(3, 5), torch.ones(5, 4)]),
    ("mul", ATEN.mul.Tensor, [torch.ones(30, 1), torch.ones(1, 40)]),
    ("relu", ATEN.relu.default, [torch.ones(3, 4)]),
    ("stack", ATEN.stack.default, [[torch.ones(3, 4), torch.ones(3, 4)]]),
    ("bmm", ATEN.bmm.default, [torch.ones(2, 3, 4), torch.ones(2, 4, 6)]),
    ("ones", ATEN.ones.default, [[7, 6]]),
]


@pytest.mark.parametrize(("name", "function", "arguments"), CASES, ids=[case[0] for case in CASES])
def test_size_is_that_of_the_result(name: str, function: Any, arguments: list[Any]) -> None:
    """What is said beforehand is what comes out."""
    assert result_size(name, function, arguments, {}) == function(*arguments).numel()


@pytest.mark.parametrize("name", ["mul", "mm"])
def test_huge_result_is_announced_without_being_made(name: str) -> None:
    """An outer product of two long vectors is 10**14 elements, which nothing here could hold."""
    column, row = torch.ones(10**7, 1), torch.ones(1, 10**7)

    assert result_size(name, None, [column, row], {}) == 10**14


def test_arguments_that_do_not_fit_are_left_to_the_operation() -> None:
    """An error of the operation itself is not this question's: the size is none."""
    assert result_size("add", ATEN.add.Tensor, [torch.ones(2), torch.ones(3)], {}) == 0
