"""Rules on secrets, encryption and how long data stays."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from infra.config_checks import LOOPBACK
from infra.policies.resources import Finding, Resources, Rule, is_known, is_secret
from infra.policies.wiring import variables

SECRET_NAME = re.compile(r"(^|_)(KEY|SECRET|TOKEN|PASSWORD|DATABASE_URL|REPLICA_URL)$")
SECRET_VALUE = re.compile(r"^[a-z+]+://[^/@]*:[^/@]+@|^eyJ|^sk-|^AIza")
"""A URI with a password, a JWT, and how keys of OpenAI and Google begin."""

ENDPOINTS = {
    "application": r"arn:",
    "email": r"[^@\s]+@[^@\s]+$",
    "email-json": r"[^@\s]+@[^@\s]+$",
    "firehose": r"arn:",
    "http": r"http://",
    "https": r"https://",
    "lambda": r"arn:",
    "sms": r"\+?\d",
    "sqs": r"arn:",
}
"""Protocols of SNS and how their endpoints begin (API reference, Subscribe)."""


def logs_expire(resources: Resources) -> Iterator[Finding]:
    """Find logs that are kept, and paid for, for ever."""
    for group in resources.of("cloudwatch/logGroup:LogGroup"):
        if not group.get("retentionInDays"):
            what = "no retentionInDays: its events are kept for ever"
            yield group.finding(logs_expire, what)


def functions_log_into_a_group_of_ours(resources: Resources) -> Iterator[Finding]:
    """Find functions whose log Lambda would make, without an end."""
    groups = {each.get("name") for each in resources.of("cloudwatch/logGroup:LogGroup")}
    for function in resources.of("lambda/function:Function"):
        group = (function.get("loggingConfig") or {}).get("logGroup")
        if is_known(group) and group not in groups:
            what = f"logs into {group}, which the stack does not declare"
            yield function.finding(functions_log_into_a_group_of_ours, what)


def secrets_are_encrypted_with_our_key(resources: Resources) -> Iterator[Finding]:
    """Find environments with secrets that only AWS's own key encrypts."""
    for function in resources.of("lambda/function:Function"):
        if function.get("kmsKeyArn"):
            continue
        # A policy pack gets secrets unwrapped: there their looks tell.
        wrapped = is_secret(function.inputs.get("environment"))
        if wrapped or any(_looks_secret(*each) for each in variables(function).items()):
            what = "its environment has secrets and no kmsKeyArn"
            yield function.finding(secrets_are_encrypted_with_our_key, what)


def secrets_are_secret(resources: Resources) -> Iterator[Finding]:
    """Find secrets that would stand in the stack's state in plain text."""
    for function in resources.of("lambda/function:Function"):
        if is_secret(function.inputs.get("environment")):
            continue
        given = (function.get("environment") or {}).get("variables") or {}
        for name, value in given.items():
            if not is_secret(value) and _looks_secret(name, value):
                what = f"variable {name} looks like a secret and is plain text"
                yield function.finding(secrets_are_secret, what)


def _looks_secret(name: str, value: object) -> bool:
    """Whether a variable is named like a secret, or looks like one."""
    if not isinstance(value, str) or not value:
        return False
    return bool(SECRET_NAME.search(name) or SECRET_VALUE.search(value))


def queues_are_encrypted(resources: Resources) -> Iterator[Finding]:
    """Find queues that keep messages in plain text."""
    for queue in resources.of("sqs/queue:Queue"):
        if not (queue.get("sqsManagedSseEnabled") or queue.get("kmsMasterKeyId")):
            what = "neither sqsManagedSseEnabled nor kmsMasterKeyId"
            yield queue.finding(queues_are_encrypted, what)


def notifications_are_encrypted_on_their_way(
    resources: Resources,
) -> Iterator[Finding]:
    """Find subscribers that are told over plain HTTP, except on this machine."""
    for each in resources.of("sns/topicSubscription:TopicSubscription"):
        endpoint = each.get("endpoint")
        if each.get("protocol") == "http" and is_known(endpoint):
            host = urlsplit(str(endpoint)).hostname
            if host not in LOOPBACK:
                what = "protocol http: notifications travel in plain text"
                yield each.finding(notifications_are_encrypted_on_their_way, what)


def subscribers_can_be_reached(resources: Resources) -> Iterator[Finding]:
    """Find subscriptions that SNS refuses; AWS's schemas accept any text."""
    for each in resources.of("sns/topicSubscription:TopicSubscription"):
        protocol, endpoint = each.get("protocol"), each.get("endpoint")
        if not is_known(protocol):
            continue
        form = ENDPOINTS.get(str(protocol))
        if form is None:
            what = f"protocol {protocol}: known are {', '.join(ENDPOINTS)}"
            yield each.finding(subscribers_can_be_reached, what)
        elif is_known(endpoint) and not re.match(form, str(endpoint)):
            what = f"the endpoint is no address of protocol {protocol}"
            yield each.finding(subscribers_can_be_reached, what)


def keys_rotate(resources: Resources) -> Iterator[Finding]:
    """Find keys that stay the same for ever."""
    for key in resources.of("kms/key:Key"):
        if not key.get("enableKeyRotation"):
            yield key.finding(keys_rotate, "enableKeyRotation is off")


RULES: tuple[Rule, ...] = (
    logs_expire,
    functions_log_into_a_group_of_ours,
    secrets_are_encrypted_with_our_key,
    secrets_are_secret,
    queues_are_encrypted,
    notifications_are_encrypted_on_their_way,
    subscribers_can_be_reached,
    keys_rotate,
)
