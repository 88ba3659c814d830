"""Declares the CDN that the configuration selects."""

from collections.abc import Mapping

import pulumi

from infra.catalog.cdn_modes import CLOUDFRONT, NONE
from infra.components.cloudflare_cdn import CloudflareCdn, CloudflareCdnArgs
from infra.components.cloudfront_cdn import CloudFrontCdn, CloudFrontCdnArgs
from infra.config import StackConfig
from infra.naming import physical_name


def declare_cdn(config: StackConfig) -> Mapping[str, pulumi.Output[str]]:
    """Declare the stack's CDN; give its addresses, none where there is no CDN.

    ``base`` replaces the project's URL in the addresses of public images. ``target`` is
    where the domain must point; a record is made where the domain's zone is known.
    """
    if config.cdn.mode == NONE:
        return {}
    name = physical_name(config.stack, "cdn")
    if config.cdn.mode == CLOUDFRONT:
        given = CloudFrontCdnArgs(
            physical_name=name, config=config.cdn, accounts=config.edge
        )
        distribution = CloudFrontCdn("cdn", given)
        return {"base": distribution.base_url, "target": distribution.target}
    args = CloudflareCdnArgs(
        physical_name=name, config=config.cdn, accounts=config.edge
    )
    return {"base": CloudflareCdn("cdn", args).base_url}
