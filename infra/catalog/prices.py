"""What the providers ask for what a stack uses: list prices in USD, without tax.

Written down by hand as of the date below, from the pages named with each price; a
contract, a credit or a later change of the list is not in them. The prices of language
models are in `infra.catalog.models`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

AS_OF = "2025-11"
"""Month of the list prices."""

EU, US = "eu-central-1", "us-east-1"
PRICED_REGIONS = (EU, US)

FALLBACK_REGION = US
"""Whose prices are taken for a region that is not listed here."""


@dataclass(frozen=True, kw_only=True)
class UnitPrice:
    """Price of one thing that is counted.

    Attributes:
        service: The provider's product, e.g. ``Lambda``.
        what: What is counted, e.g. ``requests``.
        per: How many of them the price is for.
        usd: Price of ``per`` of them by region, in USD; ``*`` is everywhere.
        free: How many are free in each month for ever, not only in the first year, in
            the whole account.
        source: The page that states it.
    """

    service: str
    what: str
    per: int
    usd: Mapping[str, float]
    free: float = 0
    source: str

    def in_region(self, region: str) -> float:
        """Give the price in a region, or in the one that stands for it."""
        if "*" in self.usd:
            return self.usd["*"]
        return self.usd.get(region, self.usd[FALLBACK_REGION])


_AWS = "aws.amazon.com"
_LAMBDA = f"{_AWS}/lambda/pricing"
_CLOUDWATCH = f"{_AWS}/cloudwatch/pricing"
_CLOUDFRONT = f"{_AWS}/cloudfront/pricing"
_WORKERS = "developers.cloudflare.com/workers/platform/pricing"

LAMBDA_REQUESTS = UnitPrice(
    service="Lambda",
    what="requests",
    per=1_000_000,
    usd={EU: 0.20, US: 0.20},
    free=1_000_000,
    source=_LAMBDA,
)
# The free seconds are one allowance for both architectures.
LAMBDA_GB_S_ARM = UnitPrice(
    service="Lambda",
    what="GB-seconds, arm64",
    per=1,
    usd={EU: 0.0000133334, US: 0.0000133334},
    free=400_000,
    source=_LAMBDA,
)
LAMBDA_GB_S_X86 = UnitPrice(
    service="Lambda",
    what="GB-seconds, x86_64",
    per=1,
    usd={EU: 0.0000166667, US: 0.0000166667},
    free=400_000,
    source=_LAMBDA,
)
SQS_REQUESTS = UnitPrice(
    service="SQS",
    what="requests, standard queues",
    per=1_000_000,
    usd={EU: 0.40, US: 0.40},
    free=1_000_000,
    source=f"{_AWS}/sqs/pricing",
)
SNS_EMAILS = UnitPrice(
    service="SNS",
    what="emails",
    per=100_000,
    usd={EU: 2.00, US: 2.00},
    free=1_000,
    source=f"{_AWS}/sns/pricing",
)
SNS_HTTPS = UnitPrice(
    service="SNS",
    what="https notifications",
    per=1_000_000,
    usd={EU: 0.60, US: 0.60},
    free=100_000,
    source=f"{_AWS}/sns/pricing",
)
ALARM_METRICS = UnitPrice(
    service="CloudWatch",
    what="alarm metrics",
    per=1,
    usd={EU: 0.10, US: 0.10},
    free=10,
    source=_CLOUDWATCH,
)
CUSTOM_METRICS = UnitPrice(
    service="CloudWatch",
    what="custom metrics",
    per=1,
    usd={EU: 0.30, US: 0.30},
    free=10,
    source=_CLOUDWATCH,
)
METRICS_READ = UnitPrice(
    service="CloudWatch",
    what="metrics read (GetMetricData)",
    per=1_000,
    usd={EU: 0.01, US: 0.01},
    source=_CLOUDWATCH,
)
DASHBOARDS = UnitPrice(
    service="CloudWatch",
    what="dashboards",
    per=1,
    usd={EU: 3.00, US: 3.00},
    free=3,
    source=_CLOUDWATCH,
)
LOGS_GB_IN = UnitPrice(
    service="CloudWatch",
    what="GB of logs written",
    per=1,
    usd={EU: 0.63, US: 0.50},
    free=5,
    source=_CLOUDWATCH,
)
# Stored logs share the free 5 GB with written ones: counted there only.
LOGS_GB_KEPT = UnitPrice(
    service="CloudWatch",
    what="GB of logs kept, compressed",
    per=1,
    usd={EU: 0.0324, US: 0.03},
    source=_CLOUDWATCH,
)
KMS_KEYS = UnitPrice(
    service="KMS",
    what="keys of the customer's",
    per=1,
    usd={EU: 1.00, US: 1.00},
    source=f"{_AWS}/kms/pricing",
)
SCHEDULED = UnitPrice(
    service="EventBridge Scheduler",
    what="invocations",
    per=1_000_000,
    usd={EU: 1.00, US: 1.00},
    free=14_000_000,
    source=f"{_AWS}/eventbridge/pricing",
)
PARAMETERS = UnitPrice(
    service="SSM",
    what="standard parameters",
    per=1,
    usd={"*": 0.0},
    source=f"{_AWS}/systems-manager/pricing",
)
CLOUDFRONT_REQUESTS = UnitPrice(
    service="CloudFront",
    what="https requests",
    per=10_000,
    usd={EU: 0.0120, US: 0.0100},
    free=10_000_000,
    source=_CLOUDFRONT,
)
CLOUDFRONT_GB = UnitPrice(
    service="CloudFront",
    what="GB to the internet",
    per=1,
    usd={EU: 0.085, US: 0.085},
    free=1_024,
    source=_CLOUDFRONT,
)
CLOUDFRONT_FUNCTIONS = UnitPrice(
    service="CloudFront",
    what="runs of edge functions",
    per=1_000_000,
    usd={EU: 0.10, US: 0.10},
    free=2_000_000,
    source=_CLOUDFRONT,
)
WORKERS_REQUESTS = UnitPrice(
    service="Cloudflare Workers",
    what="requests",
    per=1_000_000,
    usd={"*": 0.30},
    free=10_000_000,
    source=_WORKERS,
)
WORKERS_PLAN = UnitPrice(
    service="Cloudflare Workers",
    what="paid plan",
    per=1,
    usd={"*": 5.00},
    source=_WORKERS,
)
WORKERS_FREE_A_DAY = 100_000
"""Requests a day up to which the free plan is enough (same page)."""
