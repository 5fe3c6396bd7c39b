"""What comes out of the sandbox: untrusted bytes, cut into frames and parsed strictly into frozen values."""

from grader.evidence.frames import Frame, FrameReader
from grader.evidence.parse import parse_evidence
from grader.evidence.values import Evidence

__all__ = ["Evidence", "Frame", "FrameReader", "parse_evidence"]
