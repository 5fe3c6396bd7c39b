"""Gradescope's `results.json` as its documentation describes it: keys, types and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}
_FORMATS = {"text", "html", "simple_format", "md", "ansi"}
_NUMBER = (int, float)
_TOP: dict[str, Any] = {
    "score": _NUMBER, "execution_time": _NUMBER, "output": str, "output_format": _FORMATS,
    "test_output_format": _FORMATS, "test_name_format": _FORMATS, "visibility": _VISIBILITIES,
    "stdout_visibility": _VISIBILITIES, "tests": list, "leaderboard": list, "extra_data": dict,
}  # fmt: skip
_TEST: dict[str, Any] = {
    "score": _NUMBER, "max_score": _NUMBER, "status": {"passed", "failed"}, "name": str, "name_format": _FORMATS,
    "number": str, "output": str, "output_format": _FORMATS, "tags": list, "visibility": _VISIBILITIES,
    "extra_data": dict,
}  # fmt: skip


def faults(results: Mapping[str, Any]) -> list[str]:
    """What in these results Gradescope's documentation does not allow, or would keep the total from the student."""
    tests = results.get("tests", [])
    found = _wrong("results", results, _TOP)
    for index, test in enumerate(tests):
        found += _wrong(f"test {index}", test, _TEST)
    if "score" not in results and not (tests and all("score" in test for test in tests)):
        found.append("there is neither a score nor one for every test")
    if any(test.get("visibility") == "hidden" for test in tests):
        found.append("a hidden test hides the total")
    texts = [results.get("output", ""), *(test.get("output", "") for test in tests)]
    return found + [f"line ends or terminal codes in {text!r}" for text in texts if "\r" in text or "\x1b" in text]


def _wrong(where: str, values: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    found = [f"{where}: {key} is not documented" for key in values if key not in wanted]
    for key, kind in wanted.items():
        value = values.get(key)
        right = value in kind if isinstance(kind, set) else isinstance(value, kind) and not isinstance(value, bool)
        if key in values and not right:
            found.append(f"{where}: {key} is {value!r}")
    return found
