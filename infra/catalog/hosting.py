"""What Supabase asks for disk and storage, and the storage that its plan includes.

Read apart from `infra.catalog.prices`: these are of the database's plan, which the
estimate of a stack leaves out.
"""

from infra.catalog.limits import GIB, PlanLimit
from infra.catalog.unit_price import EVERYWHERE, UnitPrice

_PRICING = "supabase.com/pricing"
_BILLING = "supabase.com/docs/guides/platform/org-based-billing, undated copy"

STORAGE_SIZE = PlanLimit(
    name="storage_bytes", limit=100 * GIB, alert_at=75 * GIB, unit="bytes"
)
"""What Pro includes; beyond it storage costs more and stops nothing."""

DISK = UnitPrice(
    service="Supabase",
    what="GB of provisioned disk, a month",
    per=1,
    usd={EVERYWHERE: 0.125},
    free=8,
    page=_PRICING,
    read={EVERYWHERE: _BILLING},
    free_read=_BILLING,
)
STORAGE = UnitPrice(
    service="Supabase",
    what="GB of storage, a month",
    per=1,
    usd={EVERYWHERE: 0.021},
    free=100,
    page=_PRICING,
    read={EVERYWHERE: _BILLING},
    free_read=_BILLING,
)
