"""What the providers ask for what a stack uses: list prices in USD, without tax.

Each price says where it was read (`infra.catalog.price_sources`) and which page has
the price of today; one that was found nowhere is unconfirmed, and the plan marks it.
All are first tiers: the next ones begin far above 5,000 users, e.g. Lambda's at 7,500
million GB-seconds. A contract, a credit or a later change of the list is not in them.
The prices of language models are in `infra.catalog.models`.
"""

from infra.catalog import price_sources as sources
from infra.catalog.price_sources import infracost
from infra.catalog.unit_price import EU, EVERYWHERE, US, UnitPrice

AS_OF = "2026-11"
"""Month in which the sources were looked up; each names its own date."""

_AWS = "aws.amazon.com"
_LAMBDA = f"{_AWS}/lambda/pricing"
_SNS = f"{_AWS}/sns/pricing"
_CLOUDWATCH = f"{_AWS}/cloudwatch/pricing"
_CLOUDFRONT = f"{_AWS}/cloudfront/pricing"
_WORKERS = "developers.cloudflare.com/workers/platform/pricing"

LAMBDA_REQUESTS = UnitPrice(
    service="Lambda",
    what="requests",
    per=1_000_000,
    usd={EU: 0.20, US: 0.20},
    free=1_000_000,
    page=_LAMBDA,
    read={EU: sources.FRANKFURT, US: sources.VIRGINIA},
    free_read=sources.VIRGINIA,
)
# The free seconds are one allowance for both architectures.
LAMBDA_GB_S_ARM = UnitPrice(
    service="Lambda",
    what="GB-seconds, arm64",
    per=1,
    usd={EU: 0.0000133334, US: 0.0000133334},
    free=400_000,
    page=_LAMBDA,
    read={EU: sources.FRANKFURT, US: infracost("01c59b1", "lambda_function")},
    free_read=sources.VIRGINIA,
)
LAMBDA_GB_S_X86 = UnitPrice(
    service="Lambda",
    what="GB-seconds, x86_64",
    per=1,
    usd={EU: 0.0000166667, US: 0.0000166667},
    free=400_000,
    page=_LAMBDA,
    read={EU: sources.ARTILLERY, US: sources.VIRGINIA},
    free_read=sources.VIRGINIA,
)
SQS_REQUESTS = UnitPrice(
    service="SQS",
    what="requests, standard queues",
    per=1_000_000,
    usd={EU: 0.40, US: 0.40},
    free=1_000_000,
    page=f"{_AWS}/sqs/pricing",
    read={EU: sources.FRANKFURT, US: sources.VIRGINIA},
    free_read=sources.SQS_GUIDE,
)
SNS_EMAILS = UnitPrice(
    service="SNS",
    what="emails",
    per=100_000,
    usd={EU: 2.00, US: 2.00},
    free=1_000,
    page=_SNS,
    read={US: sources.SNS_GUIDE},
    free_read=sources.SNS_FREE,
)
SNS_HTTPS = UnitPrice(
    service="SNS",
    what="https notifications",
    per=1_000_000,
    usd={EU: 0.60, US: 0.60},
    free=100_000,
    page=_SNS,
    read={US: infracost("01c59b1", "sns_topic_subscription")},
    free_read=sources.SNS_FREE,
)
ALARM_METRICS = UnitPrice(
    service="CloudWatch",
    what="alarm metrics",
    per=1,
    usd={EU: 0.10, US: 0.10},
    free=10,
    page=_CLOUDWATCH,
    read={EU: sources.FRANKFURT, US: sources.VIRGINIA},
    free_read=sources.CLOUDWATCH_FREE,
)
CUSTOM_METRICS = UnitPrice(
    service="CloudWatch",
    what="custom metrics",
    per=1,
    usd={EU: 0.30, US: 0.30},
    free=10,
    page=_CLOUDWATCH,
    read={US: sources.VIRGINIA},
    free_read=sources.CLOUDWATCH_FREE,
)
METRICS_READ = UnitPrice(
    service="CloudWatch",
    what="metrics read (GetMetricData)",
    per=1_000,
    usd={EU: 0.01, US: 0.01},
    page=_CLOUDWATCH,
    read={EU: sources.FRANKFURT, US: sources.METRICS_READ_GUIDE},
)
# Free up to 50 metrics each.
DASHBOARDS = UnitPrice(
    service="CloudWatch",
    what="dashboards",
    per=1,
    usd={EU: 3.00, US: 3.00},
    free=3,
    page=_CLOUDWATCH,
    read={US: infracost("5cdfa4b", "cloudwatch_dashboard")},
    free_read=sources.CLOUDWATCH_FREE,
)
# Lambda's logs have tiers of their own; the first one is this price.
LOGS_GB_IN = UnitPrice(
    service="CloudWatch",
    what="GB of logs written",
    per=1,
    usd={EU: 0.63, US: 0.50},
    free=5,
    page=_CLOUDWATCH,
    read={EU: sources.FRANKFURT, US: sources.VIRGINIA},
    free_read=sources.CLOUDWATCH_FREE,
)
# Stored logs share the free 5 GB with written ones: counted there only.
LOGS_GB_KEPT = UnitPrice(
    service="CloudWatch",
    what="GB of logs kept, compressed",
    per=1,
    usd={EU: 0.0324, US: 0.03},
    page=_CLOUDWATCH,
    read={EU: sources.FRANKFURT, US: infracost("2599472", "cloudwatch_log_group")},
)
# A rotated key costs more from its second year on: each version is kept.
KMS_KEYS = UnitPrice(
    service="KMS",
    what="keys of the customer's",
    per=1,
    usd={EVERYWHERE: 1.00},
    page=f"{_AWS}/kms/pricing",
    read={EVERYWHERE: sources.KMS_PAGE},
)
SCHEDULED = UnitPrice(
    service="EventBridge Scheduler",
    what="invocations",
    per=1_000_000,
    usd={EU: 1.00, US: 1.00},
    free=14_000_000,
    page=f"{_AWS}/eventbridge/pricing",
    read={US: sources.SCHEDULER_GUIDE},
    free_read=sources.SCHEDULER_LIST,
)
PARAMETERS = UnitPrice(
    service="SSM",
    what="standard parameters",
    per=1,
    usd={EVERYWHERE: 0.0},
    page=f"{_AWS}/systems-manager/pricing",
    read={EVERYWHERE: sources.PARAMETERS_PAGE},
)
# CloudFront asks by where the reader is, who is taken to be near the stack.
CLOUDFRONT_REQUESTS = UnitPrice(
    service="CloudFront",
    what="https requests",
    per=10_000,
    usd={EU: 0.0120, US: 0.0100},
    free=10_000_000,
    page=_CLOUDFRONT,
    read={
        region: infracost("04322d6", "cloudfront_distribution") for region in (EU, US)
    },
    free_read=sources.CLOUDFRONT_PAGE,
)
CLOUDFRONT_GB = UnitPrice(
    service="CloudFront",
    what="GB to the internet",
    per=1,
    usd={EU: 0.085, US: 0.085},
    free=1_024,
    page=_CLOUDFRONT,
    read={EU: sources.CLOUDFRONT_PAGE, US: sources.CLOUDFRONT_PAGE},
    free_read=sources.CLOUDFRONT_PAGE,
)
CLOUDFRONT_FUNCTIONS = UnitPrice(
    service="CloudFront",
    what="runs of edge functions",
    per=1_000_000,
    usd={EVERYWHERE: 0.10},
    free=2_000_000,
    page=_CLOUDFRONT,
    read={EVERYWHERE: infracost("7c081fe", "cloudfront_function")},
    free_read=sources.CLOUDFRONT_PAGE,
)
WORKERS_REQUESTS = UnitPrice(
    service="Cloudflare Workers",
    what="requests",
    per=1_000_000,
    usd={EVERYWHERE: 0.30},
    free=10_000_000,
    page=_WORKERS,
    read={EVERYWHERE: sources.WORKERS_PAGE},
    free_read=sources.WORKERS_PAGE,
)
WORKERS_PLAN = UnitPrice(
    service="Cloudflare Workers",
    what="paid plan",
    per=1,
    usd={EVERYWHERE: 5.00},
    page=_WORKERS,
    read={EVERYWHERE: sources.WORKERS_PAGE},
)
WORKERS_FREE_A_DAY = 100_000
"""Requests a day up to which the free plan is enough (same page)."""
