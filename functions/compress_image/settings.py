"""The environment of compress_image."""

from collections.abc import Mapping

import msgspec

from functions.shared.auth import Credentials
from functions.shared.environment import Environment


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Values of the environment.

    Attributes:
        database_url: libpq connection URI.
        credentials: What callers are checked against.
        supabase_url: Base of Supabase's APIs; empty refuses every image.
        supabase_service_key: Key with which objects are read and written.
        buckets: The buckets whose images are made smaller.
    """

    database_url: str
    credentials: Credentials
    supabase_url: str
    supabase_service_key: str
    buckets: tuple[str, ...]

    @classmethod
    def from_environ(cls, variables: Mapping[str, str]) -> "Settings":
        """Read the environment.

        Raises:
            SettingsError: A variable is missing; names it.
        """
        environment = Environment(variables)
        settings = cls(
            database_url=environment.required("DATABASE_URL"),
            credentials=Credentials(
                jwt_secret=environment.text("JWT_SECRET"),
                jwt_issuer="",
                internal_key=environment.text("INTERNAL_API_KEY"),
            ),
            supabase_url=environment.text("SUPABASE_URL"),
            supabase_service_key=environment.text("SUPABASE_SERVICE_KEY"),
            buckets=environment.items("IMAGE_BUCKETS"),
        )
        environment.check()
        return settings
