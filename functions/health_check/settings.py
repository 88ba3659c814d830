"""The environment of health_check."""

from collections.abc import Mapping

import msgspec

from functions.shared.auth import Credentials
from functions.shared.environment import Environment


class Quota(msgspec.Struct, frozen=True):
    """A limit of the hosting plan, and the value above which to alert."""

    limit: int
    alert_at: int


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Values of the environment.

    Attributes:
        database_url: libpq connection URI.
        credentials: What callers are checked against.
        metrics_namespace: CloudWatch namespace of the gauges; empty publishes none.
        stack: Value of their dimension ``Stack``.
        database_bytes: Limit of the database's size, in bytes.
        invocations_month: Limit of the invocations of a calendar month.
        realtime_connections: Limit of simultaneous realtime connections.
    """

    database_url: str
    credentials: Credentials
    metrics_namespace: str
    stack: str
    database_bytes: Quota
    invocations_month: Quota
    realtime_connections: Quota

    @classmethod
    def from_environ(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the environment.

        Raises:
            SettingsError: A variable is missing or unreadable; names all of them.
        """
        environment = Environment(variables)

        def quota(name: str) -> Quota:
            return Quota(
                environment.integer(f"{name}_LIMIT", low=1),
                environment.integer(f"{name}_ALERT_AT", low=1),
            )

        settings = cls(
            database_url=environment.required("DATABASE_URL"),
            credentials=Credentials(
                jwt_secret=environment.text("JWT_SECRET"),
                jwt_issuer="",
                internal_key=environment.text("INTERNAL_API_KEY"),
            ),
            metrics_namespace=environment.text("METRICS_NAMESPACE"),
            stack=environment.required("STACK"),
            database_bytes=quota("DATABASE_BYTES"),
            invocations_month=quota("INVOCATIONS_MONTH"),
            realtime_connections=quota("REALTIME_CONNECTIONS"),
        )
        environment.check()
        return settings
