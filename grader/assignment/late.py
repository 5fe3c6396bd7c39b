"""What handing in late costs: a policy in the rubric, and its arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from grader.assignment.tables import MOMENT, NOT_NEGATIVE, TABLE, TableReader

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class LatePolicy:
    """After `due` and `grace`, each day begun takes `percent_per_day` of the maximum, up to `most_percent`."""

    due: datetime
    grace: timedelta
    percent_per_day: float
    most_percent: float

    def penalty(self, submitted: datetime, max_score: float) -> tuple[float, str]:
        """The points that are taken off, and why in one phrase; 0 and nothing for what is in time."""
        over = submitted - self.due
        if over <= self.grace:
            return 0.0, ""
        days = math.ceil(over / _DAY)
        percent = min(days * self.percent_per_day, self.most_percent)
        reason = f"{days} day{'' if days == 1 else 's'} late, {percent:g}% of {max_score:g}"
        return round(max_score * percent / 100, 4), reason


def read_late(top: TableReader, deadline: datetime | None) -> LatePolicy | None:
    """The rubric's `[late]`, whose `due` may be the deadline, or None where it has none.

    Raises AssignmentError for what is wrong in it.
    """
    values = top.read_optional("late", TABLE, None)
    if values is None:
        return None
    reader = TableReader(values, top.file, "[late]")
    policy = LatePolicy(
        due=reader.read("due", MOMENT) if deadline is None else reader.read_optional("due", MOMENT, deadline),
        grace=timedelta(minutes=reader.read_optional("grace_minutes", NOT_NEGATIVE, 0)),
        percent_per_day=float(reader.read("percent_per_day", NOT_NEGATIVE)),
        most_percent=float(reader.read_optional("most_percent", NOT_NEGATIVE, 100)),
    )
    reader.finish()
    return policy
