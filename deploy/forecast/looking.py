"""The one step of ``db.forecast``: what has a history, and what would help."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from deploy import account
from deploy.checklist import Result, Step, skipped
from deploy.database import connect, explained
from deploy.deployment import Deployment
from deploy.errors import DeployError
from deploy.forecast import (
    advice,
    choosing,
    history,
    levers,
    measures,
    results,
    sources,
)
from deploy.forecast.asking import Asked
from deploy.forecast.chart import drawn
from deploy.forecast.history import Connection, History
from deploy.forecast.outlook import Outlook, look, look_monthly
from infra.catalog.hosting import STORAGE_SIZE
from infra.catalog.limits import (
    DATABASE_SIZE,
    INVOCATIONS,
    REALTIME_CONNECTIONS,
    PlanLimit,
)

PART_SHARE_MIN = 0.01
"""A part that is smaller, as a share of the database, is not worth a line."""

PART_DAYS = 90
PART_PATHS = 300
"""A part has no limit of its own: its growth is shown, and no day."""

READING = "reading the history of the database's size"
NO_REALTIME = "no history: Supabase shows them in its dashboard, no API counts them"


@dataclass(kw_only=True)
class Looking:
    """A run, and what it found.

    Attributes:
        asked: The options.
        limits: Limits by name.
        outlooks: Quantities with a limit; the database is the first.
    """

    asked: Asked
    limits: Mapping[str, PlanLimit]
    outlooks: list[Outlook] = field(default_factory=list)

    def step(self) -> Step[Deployment]:
        """Give the step."""
        return Step(
            id="forecast", title="forecasting", run=self._results, verifies=True
        )

    def plot(self, *, unicode: bool) -> list[str]:
        """Draw the size of the database; no lines without a forecast."""
        return drawn(self.outlooks[0], unicode=unicode) if self.outlooks else []

    def _results(self, deployment: Deployment) -> Iterator[Result]:
        """Look at everything."""
        with (
            connect(deployment.database_url()) as connection,
            explained(connection, READING),
        ):
            deployment.progress("reading the snapshots")
            past = history.database(connection)
            size = look(self.limits[DATABASE_SIZE.name], past, self.asked.horizon)
            self.outlooks.append(size)
            yield results.past(size, self.asked)
            yield results.growth("database", size)
            logs_per_day = 0.0
            for name, part in self._parts(connection, size):
                deployment.progress(f"forecasting {name}")
                yield results.growth(name, part)
                logs_per_day = part.growth if name == "logs" else logs_per_day
            yield results.limit(size, self.asked)
            yield self._storage(connection)
            yield self._invocations(deployment)
            yield skipped(f"limits.{REALTIME_CONNECTIONS.name}", NO_REALTIME)
            yield from self._helps(deployment, connection, size, logs_per_day)

    def _parts(
        self, connection: Connection, size: Outlook
    ) -> Iterator[tuple[str, Outlook]]:
        """Forecast the parts of the database."""
        if size.paths is None:
            return
        for name, part in history.parts(connection).items():
            if part.now > PART_SHARE_MIN * size.now:
                horizon = min(self.asked.horizon, PART_DAYS)
                yield name, look(size.limit, part, horizon, paths=PART_PATHS)

    def _storage(self, connection: Connection) -> Result:
        """Forecast the storage, if the database has one."""
        return self._other(STORAGE_SIZE.name, lambda: sources.storage(connection), look)

    def _invocations(self, deployment: Deployment) -> Result:
        """Forecast the invocations of a cloud stack."""
        if deployment.is_local:
            why = "no history: the local stack counts no invocations"
            return skipped(f"limits.{INVOCATIONS.name}", why)
        return self._other(
            INVOCATIONS.name,
            lambda: _of_cloudwatch(deployment),
            look_monthly,
        )

    def _other(
        self,
        name: str,
        read: Callable[[], History],
        forecast: Callable[[PlanLimit, History, int], Outlook],
    ) -> Result:
        """Forecast a quantity that may have no history; say why if it has none."""
        try:
            outlook = forecast(self.limits[name], read(), self.asked.horizon)
        except sources.Unknown as unknown:
            return skipped(f"limits.{name}", str(unknown))
        except DeployError as error:
            return skipped(f"limits.{name}", str(error), error.remedy)
        self.outlooks.append(outlook)
        return results.limit(outlook, self.asked)

    def _helps(
        self,
        deployment: Deployment,
        connection: Connection,
        size: Outlook,
        logs_per_day: float,
    ) -> Iterator[Result]:
        """Say what would help the database, and which step is the cheapest."""
        if size.paths is None:
            yield advice.next_step(size, (), self.asked.horizon)
            return
        found = measures.measured(connection, deployment.progress)
        steps = levers.of_database(found, size.limit, logs_per_day, deployment.suffix)
        outcomes = [
            choosing.after(each, size.paths, size.now, size.limit) for each in steps
        ]
        yield from advice.helps(size, outcomes, self.asked.horizon)
        yield advice.next_step(size, outcomes, self.asked.horizon)


def _of_cloudwatch(deployment: Deployment) -> History:
    """Read the invocations.

    Raises:
        DeployError: The account cannot be asked.
    """
    client = account.client(deployment, "cloudwatch")
    with account.explained(deployment, "the metrics of Lambda"):
        return sources.invocations(client)
