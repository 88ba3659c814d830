"""Compares what Cloudflare's API gives with what the renderers write. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.drift.findings import GONE, Difference
from infra.catalog.cdn import WORKER_COMPATIBILITY_DATE
from infra.catalog.cdn_modes import WORKER_CACHE
from infra.cdn_config import CdnConfig
from infra.components.cloudflare_cdn import LOG_SAMPLING_RATE, bindings, rule_inputs
from infra.edge import cache_rules as renderer
from infra.edge.worker_settings import PURGE_KEY_BINDING, SETTINGS_BINDING

API_NAMES = {"status_code_ttls": "status_code_ttl", "from_": "from"}
"""The provider's names that the API has otherwise (Cloudflare API, "Rulesets")."""

Answer = Mapping[str, Any]


def cache_rules(
    host: str, rules: Sequence[Answer]
) -> Iterator[tuple[str, list[Difference]]]:
    """Compare the rules of the phase; give each by its ref, with what differs.

    The stack declares the whole phase: a rule of somebody else is one too many, and the
    next update deletes it.
    """
    declared = {each.ref: rule_inputs(each) for each in renderer.render(host)}
    found = {str(each.get("ref") or each.get("id")): each for each in rules}
    for ref, rule in declared.items():
        if ref not in found:
            yield ref, [GONE]
        else:
            yield ref, list(_leaves(as_api(rule), found[ref]))
    for ref in found.keys() - declared.keys():
        what = found[ref].get("expression")
        yield ref, [Difference(name="expression", declared=None, found=what)]
    order = [ref for ref in found if ref in declared]
    wanted = [ref for ref in declared if ref in found]
    if order != wanted:
        # The last rule that matches wins.
        yield "order", [Difference(name="order", declared=wanted, found=order)]


def worker(config: CdnConfig, settings: Answer) -> Iterator[Difference]:
    """Compare a Worker's settings; of its key, only whether it is there."""
    is_in_front = config.mode == WORKER_CACHE
    declared = {
        "compatibility_date": WORKER_COMPATIBILITY_DATE,
        "cache_options": {"enabled": is_in_front, "cross_version_cache": is_in_front},
        "observability": {"enabled": True, "head_sampling_rate": LOG_SAMPLING_RATE},
    }
    yield from _leaves(declared, settings)
    found = {each["name"]: each for each in settings.get("bindings") or []}
    wanted = {each["name"]: each for each in bindings(config)}
    here = found.pop(SETTINGS_BINDING, {})
    text = _parsed(wanted[SETTINGS_BINDING]["json"])
    yield from _leaves({SETTINGS_BINDING: text}, {SETTINGS_BINDING: _json_of(here)})
    key = found.pop(PURGE_KEY_BINDING, {})
    yield from _leaves(
        {PURGE_KEY_BINDING: "secret_text"}, {key.get("name"): key.get("type")}
    )
    for name, other in found.items():
        yield Difference(name=name, declared=None, found=other.get("type"))


def as_api(value: Any) -> Any:
    """Write the provider's inputs with the API's names."""
    if isinstance(value, Mapping):
        return {API_NAMES.get(key, key): as_api(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_api(item) for item in value]
    return value


def _leaves(declared: Answer, found: Any, path: str = "") -> Iterator[Difference]:
    """Compare all that is declared; what the API adds by itself does not count."""
    for key, value in declared.items():
        name = f"{path}.{key}" if path else str(key)
        here = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(value, Mapping):
            yield from _leaves(value, here, name)
        elif not _same(value, here):
            yield Difference(name=name, declared=value, found=here)


def _same(declared: Any, found: Any) -> bool:
    """Whether a value is as declared; structures in lists may have more members."""
    if isinstance(declared, list) and isinstance(found, list):
        pairs = zip(declared, found, strict=False)
        return len(declared) == len(found) and all(_same(*pair) for pair in pairs)
    if isinstance(declared, Mapping) and isinstance(found, Mapping):
        return all(_same(value, found.get(key)) for key, value in declared.items())
    return bool(declared == found)


def _json_of(binding: Answer) -> Any:
    """Give a JSON binding's value, which the API gives as text or as a structure."""
    return _parsed(binding.get("json"))


def _parsed(value: Any) -> Any:
    """Parse a text; another value is parsed already."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
