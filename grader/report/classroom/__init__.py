"""A class on one page, made from stored grades."""

from grader.report.classroom.entries import Classroom, Entry, entry
from grader.report.classroom.page import render, stream
from grader.report.classroom.spool import Spool, spooling

__all__ = ["Classroom", "Entry", "Spool", "entry", "render", "spooling", "stream"]
