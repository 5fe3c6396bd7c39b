"""What is kept: the evidence of every run by content, and the register of a class."""

from __future__ import annotations

from grader.store.evidence import EvidenceStore, Stored, evidence_key
from grader.store.fingerprints import FingerprintStore
from grader.store.register import REGISTER, Change, Entry, Register, open_register

__all__ = [
    "REGISTER",
    "Change",
    "Entry",
    "EvidenceStore",
    "FingerprintStore",
    "Register",
    "Stored",
    "evidence_key",
    "open_register",
]
