"""The guard: what the grader says today of every known program, re-judged from stored facts in seconds.

`facts/*.xz` hold the packed facts of whole runs: the corpus, `submissions/` and the tamper suite. `verdicts.jsonl`
holds what the checks make of them, a line a program. A change of a check shows here at once, and a change that is
meant is recorded by `python -m tests.guard --judge`. A change of what is recorded or verified needs new facts, which
`make guard` gets by running every program again.
"""
