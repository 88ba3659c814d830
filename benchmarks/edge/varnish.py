"""Runs Varnish with the rendered configuration, until the block ends."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.errors import DeployError
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.processes import tail
from infra.edge.varnish import render

INSTALL = "sudo apt-get install -y --no-install-recommends varnish"
START_S = 60.0
"""It compiles the configuration with a C compiler, 2 s on a free machine."""

SHOWN = """
sub vcl_deliver {
    set resp.http.x-edge-ttl = obj.ttl;
}
"""
"""Added here alone: no answer of a CDN shows how long the edge keeps it."""


def missing() -> str:
    """Say why Varnish cannot be run; empty if it can."""
    return "" if _program() else "Varnish is not installed"


def _program() -> str | None:
    return shutil.which("varnishd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def serving(origin_port: int) -> Iterator[str]:
    """Serve in front of an origin on loopback; give the base URL.

    Raises:
        DeployError: Varnish is not installed, or does not start.
    """
    program = _program()
    if program is None:
        raise DeployError(missing(), remedy=INSTALL)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ks-varnish-") as name:
        folder = Path(name)
        # Its two processes have accounts of their own, which must read there.
        folder.chmod(0o755)
        (folder / "work").mkdir(mode=0o755)
        rules = render(
            origin_host="abc.supabase.co",
            backend_host=LOOPBACK,
            backend_port=origin_port,
        )
        (folder / "cdn.vcl").write_text(rules)
        (folder / "shown.vcl").write_text(
            f'vcl 4.1;\n{SHOWN}include "{folder}/cdn.vcl";\n'
        )
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    *(program, "-F", "-a", f"{LOOPBACK}:{port}", "-T", "none"),
                    *("-f", str(folder / "shown.vcl"), "-n", str(folder / "work")),
                    *("-s", "default,64m", "-p", "thread_pool_min=5"),
                    *_jail(),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait(process, f"http://{LOOPBACK}:{port}", log)
            yield f"http://{LOOPBACK}:{port}"
        finally:
            process.terminate()
            process.wait(START_S)


def _jail() -> tuple[str, ...]:
    """Leave root where Debian's accounts for it are there."""
    try:
        pwd.getpwnam("vcache")
    except KeyError:
        return ("-j", "none")
    return () if os.geteuid() == 0 else ("-j", "none")


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    """Wait until it answers.

    Raises:
        DeployError: It ended, or took too long.
    """
    import httpx

    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(url, trust_env=False, verify=False)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise DeployError(f"varnishd does not start:\n{tail(log)}")
