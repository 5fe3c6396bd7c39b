"""An autograder for deep-learning coursework that watches what a program does and proves it."""

__version__ = "0.1.0"
