"""Rules on what stands in front of the public images, whoever serves them."""

from infra.policies import cloudflare, cloudfront
from infra.policies.resources import Rule

RULES: tuple[Rule, ...] = (*cloudfront.RULES, *cloudflare.RULES)
