"""Whether what serves has the declared lifetimes: no answer shows the edge's own."""

import json
from collections.abc import Sequence

from deploy.cdn.site import Site
from deploy.checklist import Result, Status, skipped
from deploy.deployment import Deployment
from deploy.errors import DeployError
from infra.catalog.cdn import EDGE_RULES
from infra.edge import worker_settings

CHECK = "cdn.provisioned"


def check(deployment: Deployment, site: Site) -> Result:
    """Compare what is deployed with what the renderers write."""
    return _local(deployment, site) if site.is_local else _cloud(deployment)


def _local(deployment: Deployment, site: Site) -> Result:
    """Compare what the local edge was started with."""
    from deploy.local.edge.part import served

    bindings = served(deployment.require_local()).get("bindings") or {}
    found = bindings.get(worker_settings.SETTINGS_BINDING)
    wanted = json.loads(
        worker_settings.render(origin=site.origin_url, cache=worker_settings.CACHE_API)
    )
    same = found == wanted
    return Result(
        id=CHECK,
        title=f"{len(EDGE_RULES)} rules as declared: {lifetimes()}"
        if same
        else "the edge serves other rules than the catalog declares",
        status=Status.PASS if same else Status.FAIL,
        evidence={"declared": wanted, "found": found},
        remedy=None if same else "./bootstrap local.start",
    )


def _cloud(deployment: Deployment) -> Result:
    """Ask the provider, by what ``drift`` compares."""
    from deploy.cdn.drift import drift

    try:
        results = list(drift(deployment))
    except DeployError as error:
        # The images may be served well; this alone is not known.
        return skipped(CHECK, f"not compared: {error}", error.remedy)
    differ = [each for each in results if each.status in (Status.FAIL, Status.WARN)]
    unseen = [each for each in results if each.status is Status.SKIPPED]
    if unseen and not differ:
        return skipped(
            CHECK, unseen[0].title.removeprefix("skipped: "), unseen[0].remedy
        )
    return Result(
        id=CHECK,
        title=f"{len(EDGE_RULES)} rules as declared: {lifetimes()}"
        if not differ
        else "; ".join(each.title for each in differ),
        status=Status.FAIL if differ else Status.PASS,
        evidence={"compared": _evidence(results)},
        remedy=differ[0].remedy if differ else None,
    )


def lifetimes() -> str:
    """Say how long the edge keeps what each rule covers."""
    return ", ".join(f"{rule.name} {rule.edge_ttl_s:,} s" for rule in EDGE_RULES)


def _evidence(results: Sequence[Result]) -> list[object]:
    """Give what was compared."""
    return [{"id": each.id, **each.evidence} for each in results]
