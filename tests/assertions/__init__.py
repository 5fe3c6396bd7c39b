"""What the grader is compared with: asserts on a program's variables, as graders are commonly written."""
