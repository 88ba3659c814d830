"""What the CLI and the engine complain of, in words that say what to do."""

import re
from dataclasses import dataclass

from deploy.account import LOGIN
from deploy.engine.watch import clean, plain
from deploy.errors import AuthError, DeployError, LockedError, UsageError

NOTHING = "nothing was changed"


@dataclass(frozen=True, kw_only=True)
class Known:
    """A complaint that is recognised.

    Attributes:
        pattern: Finds it in what the CLI wrote.
        error: What it becomes.
        says: What is wrong; ``{stack}`` and what the pattern found are filled in.
        remedy: The next command, filled in the same way.
    """

    pattern: re.Pattern[str]
    error: type[DeployError]
    says: str
    remedy: str


def _known(pattern: str, error: type[DeployError], says: str, remedy: str) -> Known:
    """Write an entry of `KNOWN` in one line of code."""
    return Known(pattern=re.compile(pattern), error=error, says=says, remedy=remedy)


KNOWN = (
    _known(
        r"PULUMI_ACCESS_TOKEN must be set for login",
        AuthError,
        "not logged in to a Pulumi backend, which holds the state of stack {stack}",
        "pulumi login, or pulumi login s3://<bucket> where the state is yours",
    ),
    _known(
        r"\[401\]|invalid access token",
        AuthError,
        "the Pulumi backend refuses the access token",
        "pulumi login",
    ),
    _known(
        r"\[403\]",
        AuthError,
        "the Pulumi backend lets this account not act on stack {stack}",
        "pulumi whoami --verbose",
    ),
    _known(
        r"incorrect passphrase",
        AuthError,
        "the passphrase is not the one that Pulumi.{stack}.yaml was encrypted with",
        "export PULUMI_CONFIG_PASSPHRASE_FILE=<file with the right one>",
    ),
    _known(
        r"PULUMI_CONFIG_PASSPHRASE",
        AuthError,
        "the passphrase that encrypts the secrets of stack {stack} is not set",
        "export PULUMI_CONFIG_PASSPHRASE_FILE=<file with the passphrase>",
    ),
    _known(
        r"message authentication failed|failed to decrypt|bad value for encrypted",
        AuthError,
        "a secret in Pulumi.{stack}.yaml cannot be decrypted: it was encrypted for"
        " another stack or backend",
        "pulumi config --stack {stack}, then set it anew with --secret",
    ),
    _known(
        r"no stack named",
        UsageError,
        "the Pulumi backend has no stack named {stack}: it was never made there, or"
        " this is another backend than the one where it was",
        "pulumi whoami --verbose; if it is the right one: pulumi stack init {stack}",
    ),
    _known(
        r"currently locked by|Another update is currently in progress",
        LockedError,
        "stack {stack} is locked by another update{holder}",
        "wait for it; if it was killed: pulumi cancel --stack {stack}",
    ),
    _known(
        r"no resource plugin|[Cc]ould not (?:find|load) plugin|error loading plugin",
        DeployError,
        "a provider's plugin is not installed",
        "pulumi install --stack {stack}",
    ),
    _known(
        r"Missing region|[Ii]nvalid AWS Region|missing required configuration key"
        r" \"aws:region\"",
        UsageError,
        "Pulumi.{stack}.yaml: aws:region: is missing, or no region of AWS",
        "pulumi config set aws:region eu-central-1 --stack {stack}",
    ),
    _known(
        r"[Nn]o valid credential sources|unable to validate AWS credentials"
        r"|failed to refresh cached credentials|NoCredentialProviders|ExpiredToken"
        r"|InvalidClientTokenId|security token included in the request is"
        r"|SSOProviderInvalidToken|failed to get shared config profile",
        AuthError,
        "AWS credentials are missing, expired or refused",
        LOGIN,
    ),
    _known(
        r"10000: Authentication error|Invalid API Token|6003: Invalid request headers"
        r"|credentials are not set for \"cloudflare\"",
        AuthError,
        "Cloudflare refuses the API token, or there is none",
        "export CLOUDFLARE_API_TOKEN=..., then deploy again",
    ),
    _known(
        r"cannot be deleted\s+because it is protected|is protected",
        UsageError,
        "a protected resource would be deleted",
        "pulumi stack --show-urns --stack {stack}, then pulumi state unprotect <urn>",
    ),
)
"""From the particular to the general. The texts are the CLI's (pulumi/pulumi, pkg/ and
sdk/go) and the providers'."""

HOLDER = re.compile(r"created by (\S+) \(pid (\d+)\) at (\S+)")
"""What a self-managed backend says of a lock (pulumi, pkg/backend/diy/lock.go)."""

CONFIG_LINE = re.compile(r"(Pulumi\.\S+\.yaml: \S+: .*)")
"""How `infra.config` names a value that is missing or wrong."""

TRACE_LINES = 4
"""The end of a traceback says what was raised; before it is the way there."""

MISSING_KEY = re.compile(
    r"[Mm]issing required configuration (?:variable|key) ['\"]([\w:-]+)['\"]"
)


def explain(
    wrote: str, stack: str, consequence: str = NOTHING, *, told: str = ""
) -> DeployError:
    """Turn what the CLI wrote into an error.

    Args:
        wrote: All that it wrote.
        stack: Name of the stack.
        consequence: What became of the stack.
        told: What its events told of errors: the program's, a policy's, a provider's.
    """
    text = f"{told}\n{wrote}"
    said = _reason(told) or first_errors(wrote)
    if about_config := _configuration(text, stack, consequence):
        return about_config
    for known in KNOWN:
        if known.pattern.search(text):
            says = known.says.format(stack=stack, holder=_holder(text))
            return known.error(
                f"{says}; {consequence}",
                remedy=known.remedy.format(stack=stack),
                evidence={"said": said},
            )
    return DeployError(
        f"pulumi failed for stack {stack}: {said}; {consequence}",
        remedy=f"pulumi preview --stack {stack} --diff",
        evidence={"said": said},
    )


def _configuration(text: str, stack: str, consequence: str) -> DeployError | None:
    """Tell of values that are missing or wrong, all at once."""
    # These lines are ours and hold no secret; masking would take "jwtSecret: missing"
    # for one.
    lines = list(dict.fromkeys(CONFIG_LINE.findall(plain(text))))
    for key in dict.fromkeys(MISSING_KEY.findall(text)):
        if key != "aws:region":
            lines.append(f"Pulumi.{stack}.yaml: {key}: missing")
    if not lines:
        return None
    return UsageError(
        "\n".join([*lines, consequence]),
        remedy=f"pulumi config set --stack {stack} <key> <value>",
        evidence={"problems": lines},
    )


def _holder(text: str) -> str:
    """Say who holds a lock, as far as it is told."""
    found = HOLDER.search(text)
    return f" ({found[1]}, pid {found[2]}, since {found[3]})" if found else ""


def _reason(told: str) -> str:
    """Give what matters of diagnostics: of a traceback, its end."""
    lines = [line for line in plain(told).splitlines() if line.strip()]
    if any(line.startswith("Traceback") for line in lines):
        way = (" ", "Traceback")
        lines = [line for line in lines[-TRACE_LINES:] if not line.startswith(way)]
    return clean("\n".join(lines))


def first_errors(text: str) -> str:
    """Give the first lines that tell of an error, or the last ones."""
    lines = [line.strip() for line in plain(text).splitlines() if line.strip()]
    told = [line for line in lines if re.match(r"(?i)error:|.*\berror:", line)]
    chosen = dict.fromkeys(told[:3] or lines[-3:] or ["it gave no reason"])
    return clean("\n".join(line.removeprefix("error: ") for line in chosen))
