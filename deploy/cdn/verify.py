"""Proves that a CDN serves what is declared: a hit for each rule, and its limits."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from deploy.cdn import probes
from deploy.cdn.asking import Answer, Asker
from deploy.cdn.checks import answers, hits, provisioned, refusals
from deploy.cdn.probes import Probe, Uploads
from deploy.cdn.site import Site, find, service_key
from deploy.checklist import Result, Status, skipped
from deploy.deployment import Deployment
from infra.catalog.cdn import CHART_SVGS, EDGE_RULES, EdgeRule

NAME_ONE = "./bootstrap cdn.verify --object <bucket>/<name>"


def verify(deployment: Deployment, objects: Sequence[str] = ()) -> Iterator[Result]:
    """Ask a stack's CDN, with objects that are there or that are uploaded for it.

    Args:
        deployment: The stack.
        objects: Objects that exist, as ``bucket/name``; without any, small images are
            uploaded and deleted again.

    Raises:
        DeployError: The CDN or Supabase does not answer, or refuses an upload.
        UsageError: No rule covers one of the objects.
    """
    site = find(deployment)
    if isinstance(site, Result):
        yield site
        return
    yield provisioned.check(deployment, site)
    with ExitStack() as held:
        asker = held.enter_context(Asker(site))
        if objects:
            yield from _ask(deployment, site, asker, probes.named(objects), new=False)
            return
        key = service_key(deployment)
        if not key:
            reason = "no key of Supabase to upload with, and no object is named"
            yield skipped("cdn.hits", reason, NAME_ONE)
            return
        deployment.progress("uploading an image for each rule")
        with probes.uploaded(site, key) as uploads:
            yield from _ask(deployment, site, asker, uploads.probes, new=True)
    yield cleaned_up(uploads)


def _ask(
    deployment: Deployment,
    site: Site,
    asker: Asker,
    chosen: Sequence[Probe],
    *,
    new: bool,
) -> Iterator[Result]:
    """Ask for each object, then for what must not be served."""
    found: dict[str, hits.Seen] = {}
    fills: list[Answer] = []
    for probe in chosen:
        deployment.progress(f"asking for {probe.rule.name}")
        seen = hits.ask_until_hit(site, asker, probe)
        expected = probes.content(probe.rule) if new else None
        result = hits.check(site, seen, expected)
        yield result
        fills.append(seen.fill)
        if result.status is Status.PASS:
            found[probe.rule.name] = seen
    for rule in EDGE_RULES:
        if rule.name not in {probe.rule.name for probe in chosen}:
            yield skipped(f"cdn.hit-{rule.name}", "no object of it is named", NAME_ONE)
    yield answers.leaks(site, fills)
    yield refusals.blocked(site, asker, chosen[0])
    yield refusals.missing(site, asker, chosen[0])
    yield from _details(site, asker, found)


def _details(site: Site, asker: Asker, found: dict[str, hits.Seen]) -> Iterator[Result]:
    """Look at what an object's answers have to have, where a hit was had."""
    chart = found.get(CHART_SVGS.name)
    if chart:
        yield answers.svg(site, chart)
    else:
        yield skipped("cdn.svg", "there was no hit of an SVG")
    one = next((found[name] for name in _images() if name in found), chart)
    if one is None:
        yield skipped("cdn.parts", "there was no hit of any object")
        yield skipped("cdn.canonical", "there was no hit of any object")
        return
    yield answers.parts(asker, one)
    yield answers.canonical(site, asker, one)


def _images() -> list[str]:
    """Name the rules that cover any image."""
    rules: Sequence[EdgeRule] = EDGE_RULES
    return [rule.name for rule in rules if not rule.suffix]


def cleaned_up(uploads: Uploads) -> Result:
    """Say what became of the uploads."""
    names = [f"{each.rule.bucket}/{each.name}" for each in uploads.probes]
    if uploads.left:
        title = f"{', '.join(uploads.left)} could not be deleted: delete them by hand"
    else:
        title = f"the {len(names)} uploaded images are deleted at Supabase"
    return Result(
        id="cdn.cleanup",
        title=title,
        status=Status.WARN if uploads.left else Status.PASS,
        evidence={
            "uploaded": names,
            "left": uploads.left,
            # Nobody else knows their names.
            "copies": "those in the CDN expire by themselves",
        },
        remedy="Supabase > Storage > the bucket" if uploads.left else None,
    )
