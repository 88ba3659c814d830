"""Rules on names: that AWS takes them, and that no two resources share one."""

import re
from collections import Counter
from collections.abc import Iterator

from infra.policies.resources import Finding, Resources, Rule, is_known

PATTERNS = {
    "cloudwatch/dashboard:Dashboard": r"[\w-]{1,255}",
    "cloudwatch/logGroup:LogGroup": r"[.\-_/#A-Za-z0-9]{1,512}",
    "cloudwatch/metricAlarm:MetricAlarm": r"[^:]{1,255}",
    "iam/role:Role": r"[\w+=,.@-]{1,64}",
    "iam/rolePolicy:RolePolicy": r"[\w+=,.@-]{1,128}",
    "kms/alias:Alias": r"alias/(?!aws/)[\w/-]{1,250}",
    "lambda/alias:Alias": r"(?!\d+$)[\w-]{1,128}",
    "lambda/function:Function": r"[\w-]{1,64}",
    "scheduler/schedule:Schedule": r"[\w.-]{1,64}",
    "sns/topic:Topic": r"[\w-]{1,256}",
    "sqs/queue:Queue": r"[\w-]{1,80}",
}
"""API references of CreateFunction, CreateRole, CreateQueue and so on. Of names that
begin alike, an alarm's may be longest; `infra.naming` keeps all within the shortest."""

ONE_EACH = set(PATTERNS) - {"iam/rolePolicy:RolePolicy", "lambda/alias:Alias"}
"""Types whose names are unique within an account and a region."""

TAG_KEY = re.compile(r"(?!aws:)[\w\s.:/=+\-@]{1,128}")
TAG_LENGTH_MAX = 256
"""AWS General Reference, "Tagging AWS resources"."""


def names_are_accepted(resources: Resources) -> Iterator[Finding]:
    """Find names that AWS refuses."""
    for kind, pattern in PATTERNS.items():
        for resource in resources.of(kind):
            name = resource.get("name")
            if name and is_known(name) and not re.fullmatch(pattern, name, re.ASCII):
                what = f"name {name} ({len(name)} characters): AWS wants {pattern}"
                yield resource.finding(names_are_accepted, what)


def names_are_unique(resources: Resources) -> Iterator[Finding]:
    """Find two resources of one name: the second fails, or takes the first's place."""
    for kind in sorted(ONE_EACH):
        named = [each for each in resources.of(kind) if is_known(each.get("name"))]
        counts = Counter(each.get("name") for each in named if each.get("name"))
        for resource in named:
            if counts[resource.get("name")] > 1:
                what = f"name {resource.get('name')} is another resource's too"
                yield resource.finding(names_are_unique, what)


def tags_are_accepted(resources: Resources) -> Iterator[Finding]:
    """Find tags that AWS refuses."""
    for resource in resources:
        tags = resource.get("tags") if resource.type.startswith("aws:") else None
        for key, value in tags.items() if isinstance(tags, dict) else ():
            long = isinstance(value, str) and len(value) > TAG_LENGTH_MAX
            if long or not TAG_KEY.fullmatch(key):
                yield resource.finding(tags_are_accepted, f"tag {key} is refused")


RULES: tuple[Rule, ...] = (names_are_accepted, names_are_unique, tags_are_accepted)
