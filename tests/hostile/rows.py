"""The rows of the suite that concern a file format, an upload or the recorder: which tests stand for them."""

from __future__ import annotations

from tests.hostile.cases import CASES

S = "tests/submission/test_submission_"
TAMPER = "tests/tamper/test_tamper_programs.py::test_deceit_earns_nothing"
EXAMPLE = "tests/examples/test_submissions.py::test_example_gets_the_grade_that_stands_beside_it"
TESTS: dict[int, tuple[str, tuple[str, ...]]] = {
    5: ("patches torch, unittest, hooks or the recorder", (TAMPER,)),
    8: ("brings conftest.py and pytest.ini", (f"{S}folders.py::test_files_that_act_by_their_name_are_left_out",)),
    9: (
        "brings sitecustomize and .pth files",
        (
            f"{S}folders.py::test_files_that_act_by_their_name_are_left_out",
            "tests/sandbox/test_sandbox_walls.py::test_the_environment_is_clean",
        ),
    ),
    10: (
        "brings its own torch.py, random.py, helper_functions.py",
        (f"{S}folders.py::test_what_would_shadow_is_left_out_and_told",),
    ),
    11: ("brings .pyc that differs from its source", (f"{S}folders.py::test_compiled_code_is_left_out",)),
    12: ("brings model/ or model.so beside model.py", (f"{S}folders.py::test_two_providers_of_a_module_are_rejected",)),
    13: (
        "hides code by UTF-7 or bidirectional marks",
        (
            f"{S}sources.py::test_encodings_that_can_hide_code_are_refused",
            f"{S}sources.py::test_bidirectional_controls_are_reported",
        ),
    ),
    16: (
        "brings its own kernelspec, duplicate ids, hostile metadata",
        (f"{S}notebooks.py::test_nothing_stored_survives_but_the_sources",),
    ),
    17: (
        "behaves differently when it is graded",
        (f"{TAMPER}[better-model-answers-the-probes]", f"{TAMPER}[squared-error-that-is-right-while-traced]"),
    ),
    24: (
        "trains on the test split",
        (f"{TAMPER}[recorder-asleep-while-learning-from-the-test-set]", f"{EXAMPLE}[trains-on-test-set]"),
    ),
    25: ("looks known test labels up", (f"{TAMPER}[test-labels-looked-up]",)),
    26: (
        "ships trained weights",
        (
            f"{TAMPER}[state-with-shipped-weights]",
            f"{TAMPER}[shipped-weights-before-the-training]",
            f"{TAMPER}[shipped-weights-after-the-training]",
        ),
    ),
    40: (
        "the grader is killed",
        (
            "tests/sandbox/test_sandbox_lifecycle.py::test_a_killed_grader_leaves_no_orphan",
            "tests/cli/test_cli_class.py::test_a_killed_grader_takes_everything_along_and_loses_nothing",
        ),
    ),
    41: (
        "a FIFO or device as a file",
        (f"{S}folders.py::test_links_and_special_files_are_rejected", f"{S}folders.py::test_a_device_is_rejected"),
    ),
    42: (
        "symbolic and hard links, sparse files",
        (f"{S}folders.py::test_links_and_special_files_are_rejected", f"{S}folders.py::test_a_sparse_file_is_rejected"),
    ),
    43: (
        ".npy with objects, huge shapes, trailing bytes",
        (
            "tests/assignment/test_npz.py::test_arrays_out_of_form",
            "tests/assignment/test_npz.py::test_numpy_itself_accepts_some",
        ),
    ),
    44: (
        "JSON: depth, NaN, duplicate keys, bool for int",
        (
            "tests/evidence/test_evidence_frames.py::test_header_out_of_form",
            "tests/evidence/test_evidence_parse.py::test_each_field_has_its_type",
        ),
    ),
    45: (
        "safetensors: overlap, huge header, wrong types",
        (
            "tests/evidence/test_evidence_frames.py::test_arrays_out_of_form",
            "tests/evidence/test_evidence_frames.py::test_over_a_cap",
        ),
    ),
    46: (
        "pickle and .pt files",
        (
            "tests/hostile/test_rows.py::test_nothing_unpickles_outside_the_sandbox",
            "tests/hostile/test_rows.py::test_a_pickle_in_a_submission_is_only_a_file",
        ),
    ),
    47: (
        "rewrites what it sent after validation",
        ("tests/sandbox/test_sandbox_lifecycle.py::test_what_was_read_cannot_be_rewritten",),
    ),
    48: (
        "zip slip, links, collisions of case",
        (
            f"{S}archives.py::test_names_that_lead_elsewhere_are_rejected",
            f"{S}archives.py::test_links_and_special_entries_are_rejected",
            f"{S}archives.py::test_names_that_collide_are_rejected",
        ),
    ),
    49: (
        "zip bombs, lying sizes",
        (
            f"{S}archives.py::test_a_bomb_is_rejected_in_bounded_memory_and_time",
            f"{S}archives.py::test_a_lying_size_is_not_believed",
        ),
    ),
    51: (
        "broken, truncated, huge, old notebooks",
        (
            f"{S}notebooks.py::test_what_is_no_notebook_is_rejected_with_the_place",
            f"{S}notebooks.py::test_format_3_is_converted_as_nbformat_does",
            f"{S}notebooks.py::test_size_is_bounded",
        ),
    ),
    53: (
        "spreadsheet formulas in ids and comments",
        ("tests/report/export/test_report_exports.py::test_formulas_are_neutralised",),
    ),
    55: (
        "file names such as --x, newlines, ../",
        (f"{S}candidates.py::test_odd_names_are_only_names", f"{S}folders.py::test_odd_names_are_only_names"),
    ),
    56: ("two submissions claim one student", (f"{S}candidates.py::test_equal_ids_get_a_suffix_and_a_note",)),
}
ROWS = range(1, 57)


def title(row: int) -> str:
    """What a row's attack does, in a few words."""
    found = [str(case.expected["title"]) for case in CASES.values() if case.row == row]
    return found[0] if found else TESTS[row][0]
