"""The task ``cdn.simulate``."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    help={
        "log": "Access log: common or combined format, Cloudflare Logpush, CloudFront;"
        " .gz too. Without one, requests are made.",
        "days": "Days that count: made (28), or the last ones of the log (all).",
        "seed": "Of the made requests.",
        "mb_day": "MB that Supabase sends a day in the made requests (600).",
        "plan": "Supabase's plan: free, pro or team.",
        "mode": "worker-cache, worker-cache-api, cache-rules or cloudfront.",
        "upload_s": "Seconds of cacheControl that the app's uploads name; 0 for none.",
        "left": "Share of a raster image's bytes that compression leaves (0.5).",
        "capacity_mb": "MB that a data center keeps; 0 without a bound.",
        "plot": "Draw it into this file, .png or .svg.",
        "replay": "Send the requests through the production Worker, and compare.",
        "json": SHOWN["json"],
        "debug": SHOWN["debug"],
    }
)
def simulate(
    c: Context,
    log: str = "",
    days: str = "",
    seed: str = "42",
    mb_day: str = "600",
    plan: str = "pro",
    mode: str = "worker-cache",
    upload_s: str = "3600",
    left: str = "0.5",
    capacity_mb: str = "0",
    plot: str = "",
    replay: bool = False,
    json: bool = False,
    debug: bool = False,
) -> None:
    """Replay an access log through the CDN's rules: hits, origin bytes, cost, worth.

    Compares today, longer lifetimes, the CDN, compression and both. Nothing leaves the
    machine and nothing is changed.

    Examples: cdn.simulate | cdn.simulate --log access.log.gz --plan free |
    cdn.simulate --days 14 --replay --plot savings.png | cdn.simulate --json

    Exit codes: 0 done; 2 usage, or no access log; 4 workerd does not run; 7 the replay
    and the simulation are more than a point apart.
    """
    from deploy.cdn.simulation import commands

    asked = commands.Asked(log=log, plan=plan, mode=mode, plot=plot, replays=replay)
    # As texts: Invoke ends with a traceback where it is to read a number and cannot.
    numbers = {
        "days": days,
        "seed": seed,
        "mb_day": mb_day,
        "upload_s": upload_s,
        "left": left,
        "capacity_mb": capacity_mb,
    }
    raise SystemExit(commands.typed(asked, numbers, as_json=json, debug=debug))
