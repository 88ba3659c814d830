"""The tasks of the CDN."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    help=SHOWN
    | {
        "object": "Objects that are there, bucket/name, comma-separated; without any,"
        " small images are uploaded and deleted again.",
    }
)
def verify(
    c: Context,
    object: str = "",
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Prove a hit of the CDN for each rule, and that nothing private is served.

    Uploads need KILOSCALE_SUPABASE_SERVICE_KEY on a cloud stack, and the comparison
    with what is provisioned CLOUDFLARE_API_TOKEN or AWS credentials.

    Examples: cdn.verify | cdn.verify --evidence |
    cdn.verify --stack production --object generated-images/a.png

    Exit codes: 0 proved, or there is no CDN; 2 usage; 3 auth; 4 nobody answers; 7 not
    as declared.
    """
    from deploy import cdn_commands, commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(cdn_commands.verify(stack, object, out))


@task(
    help=SHOWN
    | {
        "path": "Images, comma-separated: bucket/name, or the address of one; or @FILE,"
        " a JSON list of names as user.delete writes it.",
        "tag": "Tags, comma-separated: rule-<rule> or bucket-<bucket>.",
        "everything": "All copies of all images.",
        "wait": "Purge again after 60 s, when Supabase's own CDN has the new content.",
        "dry_run": "Show what would be sent; purge nothing.",
        "yes": "Do not ask before --everything on a cloud stack.",
    }
)
def purge(
    c: Context,
    path: str = "",
    tag: str = "",
    everything: bool = False,
    wait: bool = False,
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Forget copies of images in the CDN, and look whether they are forgotten.

    A purge cannot be undone: the next request of each image asks Supabase again.
    Browsers keep what they have. Needs KILOSCALE_PURGE_KEY or the Pulumi CLI (Workers),
    CLOUDFLARE_API_TOKEN (worker-cache-api, cache-rules) or AWS credentials.

    Examples: cdn.purge --path generated-images/a.png --wait |
    cdn.purge --tag bucket-report-images --stack production |
    cdn.purge --everything --stack production --dry-run

    Exit codes: 0 purged; 2 usage; 3 auth; 4 refused; 5 a part is purged; 7 an old copy
    still answers.
    """
    from deploy import cdn_commands, commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    asked = cdn_commands.Asked(
        path=path, tag=tag, everything=everything, wait=wait, dry_run=dry_run, yes=yes
    )
    raise SystemExit(cdn_commands.purge(stack, asked, out))


@task(
    help=SHOWN
    | {
        "stop": "End it; what is noted already is still sent.",
        "dry_run": "Show what would be watched; change nothing.",
        "yes": "Do not ask before a cloud stack's database is changed.",
    }
)
def watch(
    c: Context,
    stop: bool = False,
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Have overwritten and deleted images purged by themselves, within 2 minutes.

    Two triggers on storage.objects note them in the outbox, and relay-outbox tells the
    Worker. For cdn worker-cache; --stop removes the triggers.

    Examples: cdn.watch --stack production --dry-run | cdn.watch --stack production |
    cdn.watch --stop --stack production

    Exit codes: 0 watched, or ended; 2 usage; 3 auth; 4 failed.
    """
    from deploy import cdn_commands, commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(
        cdn_commands.watch(stack, out, stop=stop, dry_run=dry_run, yes=yes)
    )


@task(
    name="rewrite-urls",
    help=SHOWN
    | {
        "column": "More columns that are one address each: schema.table.column,"
        " comma-separated.",
        "inside": "Columns of text or JSON that hold addresses, e.g."
        " public.messages.text; comma-separated.",
        "from_host": "More hosts whose addresses are replaced, e.g. a custom domain.",
        "object": "Objects that are there, bucket/name, to prove the CDN with.",
        "batch_rows": "Rows looked at in one transaction, 1 to 10000.",
        "undo": "Put back exactly what was changed, where it still is.",
        "to_origin": "Put back all that names the CDN, whoever wrote it.",
        "configure": "Only write where the CDN is, for kiloscale.cdn_url.",
        "unverified": "Do not prove the CDN first.",
        "set_off": "Change rows although triggers or publications are set off.",
        "dry_run": "Count and show shapes of addresses; change nothing.",
        "yes": "Do not ask; on a cloud stack, needed where nobody can be asked.",
    },
)
def rewrite_urls(
    c: Context,
    column: str = "",
    inside: str = "",
    from_host: str = "",
    object: str = "",
    batch_rows: str = "1000",
    undo: bool = False,
    to_origin: bool = False,
    configure: bool = False,
    unverified: bool = False,
    set_off: bool = False,
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Have the app's rows name their images at the CDN; --undo puts them back.

    In small commits by key, from where the last run ended. Proves the CDN first, and
    refuses if that fails. user_images and image_generation_log, and what is named.

    Examples: cdn.rewrite-urls --dry-run | cdn.rewrite-urls --stack production |
    cdn.rewrite-urls --column public.profiles.avatar_url --stack production |
    cdn.rewrite-urls --undo --stack production

    Exit codes: 0 done; 2 usage; 3 auth; 4 failed; 5 a part is changed, run it again; 7
    the CDN is not proved; 75 another run is at work.
    """
    from deploy import commands, url_commands
    from deploy.urls.asked import Asked

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    asked = Asked(
        column=column,
        inside=inside,
        from_host=from_host,
        object=object,
        batch_rows=batch_rows,
        undo=undo,
        to_origin=to_origin,
        configure=configure,
        unverified=unverified,
        set_off=set_off,
        dry_run=dry_run,
        yes=yes,
    )
    raise SystemExit(url_commands.rewrite(stack, asked, out))
