"""Series made by hand, one trouble each."""

from datetime import date, timedelta

import numpy as np

from deploy.forecast.history import History
from deploy.forecast.outlook import Outlook, look
from deploy.forecast.series import Series
from infra.catalog.limits import DATABASE_SIZE

MIB, GIB = 1024**2, 1024**3
MONDAY = date(2026, 3, 2)


def line(days: int = 120, per_day: float = 10, start: float = 1_000) -> np.ndarray:
    """A straight line in MiB with a little noise, which is always the same."""
    noise = np.random.default_rng(7).normal(0, 0.3, days)
    return (start + per_day * np.arange(days) + noise) * MIB


def series(values: np.ndarray) -> Series:
    return Series(values=np.asarray(values, dtype=float))


def history(values: np.ndarray, lacks: str = "") -> History:
    return History(
        series=series(values),
        first_day=MONDAY - timedelta(days=len(values) - 1),
        now=float(values[-1]),
        snapshots=24 * len(values),
        newest_at=None,
        lacks=lacks,
    )


def outlook(values: np.ndarray, horizon: int = 365, lacks: str = "") -> Outlook:
    return look(DATABASE_SIZE, history(values, lacks), horizon)
