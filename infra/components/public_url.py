"""The HTTPS address of a function, open to callers without AWS credentials."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class PublicUrlArgs:
    """Inputs of `PublicUrl`.

    Attributes:
        function: Name of the function.
        alias: Name of the alias that answers.
    """

    function: pulumi.Input[str]
    alias: pulumi.Input[str]


class PublicUrl(pulumi.ComponentResource):
    """A function URL and the two permissions without which it answers 403.

    The function authenticates its callers itself, and answers CORS preflights itself:
    it knows the origins, and a function URL would add a second set of headers.

    Attributes:
        url: ``https://<id>.lambda-url.<region>.on.aws/``.
    """

    url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: PublicUrlArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:PublicUrl", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        url = aws.lambda_.FunctionUrl(
            name,
            function_name=args.function,
            qualifier=args.alias,
            authorization_type="NONE",
            opts=child,
        )
        # Since October 2025 a public URL needs both statements, else each request is
        # refused with 403 (Lambda developer guide, "Control access to function URLs").
        aws.lambda_.Permission(
            f"{name}-public",
            statement_id="public-url",
            action="lambda:InvokeFunctionUrl",
            principal="*",
            function=args.function,
            qualifier=args.alias,
            function_url_auth_type="NONE",
            opts=child,
        )
        aws.lambda_.Permission(
            f"{name}-invoke",
            statement_id="public-invoke-by-url",
            action="lambda:InvokeFunction",
            principal="*",
            function=args.function,
            qualifier=args.alias,
            invoked_via_function_url=True,
            opts=child,
        )

        self.url = url.function_url
        self.register_outputs({"url": self.url})
