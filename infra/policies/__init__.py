"""Rules that the stack must keep, checked on the inputs that the program gives.

They are plain functions: pytest runs them over what mocks recorded, of an update and of
a preview. What is unknown in a preview is not judged.
"""

from collections.abc import Iterator, Sequence

from infra.policies import (
    access,
    alarms,
    capacity,
    cloudflare,
    cloudfront,
    data,
    delivery,
    documents,
    edge,
    front,
    functions,
    leaks,
    names,
    parameters,
    references,
    schedules,
    watching,
)
from infra.policies.resources import Finding, Resources, Rule

RULES: tuple[Rule, ...] = (
    *access.RULES,
    *alarms.RULES,
    *data.RULES,
    *delivery.RULES,
    *edge.RULES,
    *front.RULES,
    *parameters.RULES,
    *documents.RULES,
    *capacity.RULES,
    *functions.RULES,
    *leaks.RULES,
    *names.RULES,
    *references.RULES,
    *schedules.RULES,
    *watching.RULES,
)

OF_ONE: frozenset[Rule] = frozenset(
    {
        access.functions_are_open_only_by_url,
        access.no_action_has_a_wildcard,
        access.any_resource_has_a_reason,
        access.roles_trust_services_only,
        alarms.alarms_have_actions,
        alarms.alarms_say_what_silence_means,
        capacity.consumers_are_bounded,
        capacity.nothing_is_switched_off,
        data.logs_expire,
        data.secrets_are_encrypted_with_our_key,
        data.secrets_are_secret,
        data.queues_are_encrypted,
        data.notifications_are_encrypted_on_their_way,
        data.subscribers_can_be_reached,
        data.keys_rotate,
        cloudflare.cache_rules_keep_their_identity,
        cloudflare.cache_rules_fit_the_free_plan,
        cloudflare.cache_rules_keep_no_errors,
        cloudflare.workers_are_reproducible,
        cloudflare.deploys_do_not_empty_the_cache,
        cloudflare.worker_secrets_are_secret,
        cloudfront.distributions_ask_for_modern_tls,
        cloudfront.origins_speak_https,
        cloudfront.origins_see_their_own_host,
        cloudfront.lifetimes_are_exact,
        cloudfront.callers_cannot_fill_the_cache,
        cloudfront.images_run_no_scripts,
        delivery.consumers_report_each_message,
        delivery.queues_have_dead_letters,
        documents.policies_allow_what_they_name,
        documents.rights_name_whole_resources,
        documents.roles_have_only_their_own_rights,
        documents.resource_policies_name_their_actions,
        documents.resource_policies_name_who_may,
        front.fronts_keep_no_answer,
        front.fronts_send_all_but_their_host,
        front.fronts_take_https_only,
        front.fronts_share_out_only_with_a_second_side,
        front.fronts_log_no_tokens,
        functions.runtimes_are_supported,
        functions.handlers_exist,
        functions.functions_have_their_settings,
        leaks.no_input_has_a_secret_in_plain,
        names.names_are_accepted,
        parameters.parameters_are_secret,
        names.tags_are_accepted,
        parameters.parameters_are_secret,
        schedules.schedules_are_valid,
        schedules.pg_cron_jobs_are_valid,
        watching.alarms_can_be_evaluated,
    }
)
"""Rules that look at one resource and at no other: the engine can ask them before it
makes the resource. The others need the whole stack."""

OF_WRAPPERS: frozenset[Rule] = frozenset(
    {
        cloudflare.worker_secrets_are_secret,
        data.secrets_are_secret,
        leaks.no_input_has_a_secret_in_plain,
        parameters.parameters_are_secret,
    }
)
"""Rules that tell a secret from plain text by its wrapper, which the engine takes off
before it asks a policy pack (pulumi-policy 1.21, ``deserialize.py``)."""


def check(resources: Resources) -> Sequence[Finding]:
    """Apply every rule; give what breaks one, in a stable order."""

    def findings() -> Iterator[Finding]:
        for rule in RULES:
            yield from rule(resources)

    return sorted(findings())
