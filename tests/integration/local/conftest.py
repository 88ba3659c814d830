import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from deploy.local import proctable, stack
from deploy.local.cluster import PASSAGE
from deploy.local.parts import mark
from deploy.local.stack import PARTS


@pytest.fixture(scope="module")
def own_folder():
    """A folder that other accounts may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="ks-"))
    folder.chmod(PASSAGE)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def state(own_folder):
    """The state folder of a stack that the module's tests stop and break."""
    folder = own_folder / "state"
    yield folder
    stack.reset(folder, lambda _: None)


@pytest.fixture
def started(state):
    """That stack, running."""
    return stack.start(state, lambda _: None)


@pytest.fixture
def bystander():
    """A process that has nothing to do with a stack."""
    process = subprocess.Popen(["/bin/sleep", "60"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def processes_of():
    """Give the numbers of all processes of a stack, however they can be found."""
    return _processes_of


def _processes_of(facts):
    found = set(proctable.working_in((facts.home or facts.state) / "postgres" / "data"))
    for part in PARTS:
        found |= set(proctable.with_environment(mark(facts, part.name)))
    return found


@pytest.fixture
def addresses_of():
    """Give the addresses that some processes listen on."""
    return _addresses_of


def _addresses_of(pids):
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            target = str(link.readlink()) if link.is_symlink() else ""
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    return {address for inode, address in _listeners().items() if inode in inodes}


def _listeners():
    """Listening TCP sockets of the machine: inode to address."""
    found = {}
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                raw = bytes.fromhex(fields[1].partition(":")[0])
                words = [raw[at : at + 4][::-1] for at in range(0, len(raw), 4)]
                found[fields[9]] = socket.inet_ntop(family, b"".join(words))
    return found
