"""The task ``policy-lab``: read or make conversations, replay them, show."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy import console
from deploy.deployment import LOCAL
from deploy.errors import ExitCode, UsageError
from deploy.policy_lab import report
from deploy.policy_lab.conversations import Corpus
from deploy.policy_lab.corpus import Mix, made
from deploy.policy_lab.export import exported
from deploy.policy_lab.sweep import Result
from deploy.policy_lab.sweep import run as run_lab
from deploy.run import ending
from functions.shared.extraction_policy import POLICIES

FORMATS = (".png", ".svg")


@dataclass(frozen=True, kw_only=True)
class Lab:
    """What is asked for.

    Attributes:
        source: Path of an export; empty for the made corpus.
        policies: Names, comma-separated; empty for all.
        plot: Path of the plot; empty for none.
        seed: Of the made corpus and of the stand-in's luck.
    """

    source: str = ""
    policies: str = ""
    plot: str = ""
    seed: int = 42

    def names(self) -> list[str]:
        """Give the policies, each once.

        Raises:
            UsageError: One is unknown, or none is named.
        """
        named = [each.strip() for each in self.policies.split(",") if each.strip()]
        unknown = [each for each in named if each not in POLICIES]
        if unknown or (self.policies and not named):
            raise UsageError(
                f"no policy named {', '.join(unknown) or self.policies!r}; the policies"
                f" are {', '.join(POLICIES)}",
                remedy="./bootstrap policy-lab",
            )
        return list(dict.fromkeys(named)) or list(POLICIES)

    def plot_path(self) -> Path | None:
        """Give where the plot goes.

        Raises:
            UsageError: It is not a kind of picture that can be written, or its folder
                is not there.
        """
        if not self.plot:
            return None
        path = Path(self.plot)
        if path.suffix.lower() not in FORMATS or not path.parent.is_dir():
            raise UsageError(
                f"--plot {self.plot}: must end with {' or '.join(FORMATS)} and be in a"
                " folder that exists",
                remedy="./bootstrap policy-lab --plot lab.png",
            )
        return path

    def corpus(self) -> Corpus:
        """Read the export, or make the corpus."""
        if self.source:
            return exported(Path(self.source))
        return made(self.seed, Mix())


def run(lab: Lab, *, as_json: bool, debug: bool = False) -> int:
    """Run the lab; nothing of it leaves the machine."""
    with ending("policy-lab", LOCAL, as_json=as_json, debug=debug):
        names, path = lab.names(), lab.plot_path()
        progress = console.Progress()
        progress.step_started("policy-lab", "reading conversations")
        try:
            result = _result(lab, names, progress.say)
            if path:
                progress.say("drawing")
                _draw(result, path)
        finally:
            progress.close()
        told = [report.document(result)] if as_json else report.lines(result)
        if path and not as_json:
            told += ["", f"plot: {path}"]
        console.say_lines(told)
        return int(ExitCode.DONE)


def _result(lab: Lab, names: list[str], progress: Callable[[str], None]) -> Result:
    """Replay what is asked for."""
    corpus = lab.corpus()
    return run_lab(corpus, names, lab.seed, progress, others=not lab.source)


def _draw(result: Result, path: Path) -> None:
    """Write the plot; the import takes a second."""
    from deploy.policy_lab.plot import draw

    draw(result, path)
