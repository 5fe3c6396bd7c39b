"""What runs in the child process before the student's code: it closes the doors, unpacks the workspace and hands over.

These modules run without site-packages and, inside the sandbox, without the grader: standard library only, and as
little of that as possible, since each import is paid for on every run.
"""
