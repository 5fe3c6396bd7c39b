"""The sample grades of the reports' tests."""

from tests.report.conftest import samples

__all__ = ["samples"]
