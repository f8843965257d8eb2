"""Who works on something and was heard of lately; whoever was not is gone, and another takes it up."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute

LOST_SECONDS = 60  # a process that was not heard of for so long is gone


def is_silent(alive_at: InstrumentedAttribute[datetime], now: datetime) -> ColumnElement[bool]:
    """Of rows whose process is gone.

    One that was last heard of in the future is gone too: the clock was set back since, and whoever
    lives says so every few seconds. Otherwise its work would wait until that future has come.
    """
    lost = timedelta(seconds=LOST_SECONDS)
    return or_(alive_at < now - lost, alive_at > now + lost)
