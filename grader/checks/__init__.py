"""Judgement: pure functions of the evidence and of what the trusted side verified. No input, no output, no torch."""
