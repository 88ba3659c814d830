"""What a stack's file says of its CDN; its secrets are not needed."""

from dataclasses import dataclass

from deploy import stackfiles
from deploy.errors import UsageError
from infra.catalog.cdn_modes import CDN_MODES
from infra.cdn_config import CdnConfig
from infra.config_checks import origin
from infra.config_values import Values
from infra.edge_accounts import EdgeAccounts, domain
from infra.naming import physical_name


@dataclass(frozen=True, kw_only=True)
class Edge:
    """The CDN of a stack.

    Attributes:
        config: Mode, host name and origin; without the key of the Worker.
        accounts: Where it is.
        name: Its physical name.
    """

    config: CdnConfig
    accounts: EdgeAccounts
    name: str


def of_stack(stack: str) -> Edge:
    """Read the CDN of a stack.

    Raises:
        UsageError: A value is missing or wrong; names every one.
    """
    values = Values.from_pulumi(stack, stackfiles.of_stack(stack), ())
    url = values.text("supabaseUrl", check=origin)
    config = CdnConfig(
        mode=values.choice("cdn", CDN_MODES),
        domain=values.text("cdnDomain", "", check=domain),
        origin_host=url.partition("://")[2],
    )
    accounts = EdgeAccounts.read(values)
    if values.problems:
        raise UsageError("\n".join(sorted(values.problems)))
    return Edge(config=config, accounts=accounts, name=physical_name(stack, "cdn"))
