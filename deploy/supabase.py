"""Supabase's Management API: what it says of a project's backups.

Reference: https://supabase.com/docs/reference/api/v1-list-all-backups. A project
without point-in-time recovery has ``physical_backup_data`` as ``{}`` or ``null``.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from deploy.database import user_and_host
from deploy.errors import DeployError

TOKEN_VARIABLE = "SUPABASE_ACCESS_TOKEN"  # noqa: S105 - its name
TOKENS_PAGE = "https://supabase.com/dashboard/account/tokens"
API = "https://api.supabase.com"
TIMEOUT_S = 10.0

# Role and host of a direct connection, of the pooler.
_DIRECT = re.compile(r"db\.([a-z0-9]+)\.supabase\.(?:co|com|net)")
_POOLER = re.compile(r".+\.pooler\.supabase\.(?:co|com|net)")
_POOLED_ROLE = re.compile(r"[^.]+\.([a-z0-9]+)")
_TOKEN = re.compile(r"[\x21-\x7e]+")


class ApiError(DeployError):
    """The Management API did not say what it was asked."""


class Backup(msgspec.Struct, frozen=True):
    """One backup. ``status`` is ``COMPLETED`` once it can be restored."""

    status: str
    inserted_at: datetime
    is_physical_backup: bool = False


class Window(msgspec.Struct, frozen=True):
    """The times to which point-in-time recovery can go, in seconds since 1970."""

    earliest_physical_backup_date_unix: float | None = None
    latest_physical_backup_date_unix: float | None = None


class Backups(msgspec.Struct, frozen=True):
    """What there is to restore a project from."""

    pitr_enabled: bool
    backups: list[Backup]
    physical_backup_data: Window | None = None

    @property
    def newest(self) -> datetime | None:
        """Give the time of the newest backup that can be restored."""
        times = [
            backup.inserted_at.astimezone(UTC)
            if backup.inserted_at.tzinfo
            else backup.inserted_at.replace(tzinfo=UTC)
            for backup in self.backups
            if backup.status == "COMPLETED"
        ]
        return max(times, default=None)

    @property
    def recoverable_until(self) -> datetime | None:
        """Give the latest time to which point-in-time recovery can go."""
        window = self.physical_backup_data
        latest = window.latest_physical_backup_date_unix if window else None
        if not (self.pitr_enabled and latest):
            return None
        return datetime.fromtimestamp(latest, UTC)


def project_ref(url: str) -> str | None:
    """Give the project whose database a connection URL names.

    >>> project_ref("postgresql://postgres@db.abcdefghijklmnopqrst.supabase.co/postgres")
    'abcdefghijklmnopqrst'
    >>> project_ref("postgresql://postgres.abc@aws-0-eu-1.pooler.supabase.com/postgres")
    'abc'

    Returns:
        ``None`` for a database that is not Supabase's.
    """
    user, host = user_and_host(url)
    if direct := _DIRECT.fullmatch(host):
        return direct.group(1)
    pooled = _POOLED_ROLE.fullmatch(user)
    return pooled.group(1) if pooled and _POOLER.fullmatch(host) else None


@dataclass(frozen=True)
class ManagementApi:
    """A client of the Management API.

    Attributes:
        token: A personal access token.
        base: Where the API is.
    """

    token: str = field(repr=False)
    base: str = API

    def backups(self, ref: str) -> Backups:
        """Ask what backups a project has.

        Args:
            ref: The project, as `project_ref` gives it.

        Raises:
            ApiError: There is no answer, a refusal, or one of another form.
        """
        import httpx

        # An HTTP library would quote what it cannot send in its error.
        if not _TOKEN.fullmatch(self.token):
            raise ApiError(
                f"{TOKEN_VARIABLE} holds white space or is empty: it is no token",
                remedy=f"export {TOKEN_VARIABLE}=...  # made at {TOKENS_PAGE}",
            )
        try:
            answer = httpx.get(
                f"{self.base}/v1/projects/{ref}/database/backups",
                headers={"authorization": f"Bearer {self.token}"},
                timeout=TIMEOUT_S,
            )
        except httpx.HTTPError as error:
            raise ApiError(
                f"{self.base} cannot be reached: {error or type(error).__name__}",
                remedy=f"https://supabase.com/dashboard/project/{ref}/database/backups",
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise _refused(answer.status_code, ref)
        try:
            return msgspec.json.decode(answer.content, type=Backups)
        except (msgspec.MsgspecError, ValueError) as error:
            raise ApiError(
                f"{self.base} answered in another form: {error}",
                remedy=f"https://supabase.com/dashboard/project/{ref}/database/backups",
            ) from error


def _refused(status: int, ref: str) -> ApiError:
    """Say why the API gave no list."""
    page = f"https://supabase.com/dashboard/project/{ref}/database/backups"
    if status in (401, 403):
        return ApiError(
            f"Supabase refused {TOKEN_VARIABLE} (HTTP {status})",
            remedy=f"export {TOKEN_VARIABLE}=...  # made at {TOKENS_PAGE}",
        )
    if status == 404:
        return ApiError(
            f"project {ref} is unknown to the account of {TOKEN_VARIABLE} (HTTP 404)",
            remedy=f"export {TOKEN_VARIABLE}=...  # of the account that owns {ref}",
        )
    return ApiError(f"Supabase answered HTTP {status}", remedy=page)
