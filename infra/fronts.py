"""Declares the front that the configuration asks for, if any."""

from collections.abc import Mapping

import pulumi

from infra.catalog.front import BASE, public_services
from infra.components.python_service import PythonService
from infra.config import StackConfig
from infra.config_checks import LOCAL
from infra.front_config import CLOUDFRONT, WORKER
from infra.naming import physical_name

NAME = "api-front"


def declare(
    config: StackConfig, services: Mapping[str, PythonService]
) -> dict[str, pulumi.Output[dict[str, str]]]:
    """Declare the front; give the output ``apiUrls``, or none without a front.

    It has ``base``, what the app calls; on CloudFront also ``target``, what the host
    name must point at where no zone is configured.

    Args:
        config: The stack's configuration.
        services: The services by folder.
    """
    if config.stack == LOCAL:
        # The stand-in is the front there, below what is elsewhere Supabase's address.
        return {"apiUrls": pulumi.Output.all(base=f"{config.supabase_url}{BASE}")}
    urls = {
        name: url
        for name, service in public_services().items()
        if (url := services[service.folder].url) is not None
    }
    if config.front.mode == WORKER:
        return {"apiUrls": pulumi.Output.all(base=_worker(config, urls))}
    if config.front.mode == CLOUDFRONT:
        base, target = _cloudfront(config, urls)
        return {"apiUrls": pulumi.Output.all(base=base, target=target)}
    return {}


def _worker(
    config: StackConfig, urls: Mapping[str, pulumi.Output[str]]
) -> pulumi.Output[str]:
    """Declare the Worker; give the base."""
    # Inside, like the provider that it needs.
    from infra.components.api_front_worker import ApiFrontWorker, ApiFrontWorkerArgs

    args = ApiFrontWorkerArgs(
        physical_name=physical_name(config.stack, NAME),
        accounts=config.edge,
        front=config.front,
        function_urls=urls,
    )
    return ApiFrontWorker(NAME, args).base_url


def _cloudfront(
    config: StackConfig, urls: Mapping[str, pulumi.Output[str]]
) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
    """Declare the distribution; give the base and what its name must point at."""
    from infra.components.api_front_cloudfront import (
        ApiFrontCloudFront,
        ApiFrontCloudFrontArgs,
    )

    args = ApiFrontCloudFrontArgs(
        physical_name=physical_name(config.stack, NAME),
        accounts=config.edge,
        front=config.front,
        function_urls=urls,
    )
    front = ApiFrontCloudFront(NAME, args)
    return front.base_url, front.target
