"""The migration runner: files in ``migrations/``, history as the Supabase CLI's."""

from deploy.migrations.files import Migration, MigrationFilesError, discover
from deploy.migrations.plan import Plan, plan
from deploy.migrations.runner import Applied, Patience, apply

__all__ = [
    "Applied",
    "Migration",
    "MigrationFilesError",
    "Patience",
    "Plan",
    "apply",
    "discover",
    "plan",
]
