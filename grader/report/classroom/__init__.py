"""A class on one page, made from stored grades."""

from grader.report.classroom.entries import Classroom, Entry, entry
from grader.report.classroom.page import render, stream

__all__ = ["Classroom", "Entry", "entry", "render", "stream"]
