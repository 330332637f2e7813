"""Installing what was built as its users will, and using it there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from release.distributions import Distribution
from release.errors import ReleaseError
from release.interpreters import Interpreter
from release.run import run

#: Extras that are for people who use zoo; the others are for its developers.
EXTRAS = ("cpu", "fast", "large", "pdf", "serve", "tensorboard", "video")
#: What every environment is asked, besides importing what was installed into it.
_ASKED = (("--version",), ("list-models",), ("devices",), ("plugins", "check"))


@dataclass(frozen=True)
class Installer:
    """Installs our files and, from the index that pip is set up for, what they need.

    Attributes:
        uv: The program uv.
        files: The folder with the wheels.
        folder: Where environments are made.
        distributions: All of them, so that none of our names is ever looked up in an index.
    """

    uv: Path
    files: Path
    folder: Path
    distributions: Sequence[Distribution]

    def check_alone(self, distribution: Distribution, interpreter: Interpreter) -> None:
        """Installs one distribution with what it needs into an environment of its own, and uses it.

        Raises:
            ReleaseError: It cannot be installed, or does not work there.
        """
        place = self.folder / f"{interpreter.version}-{distribution.name}"
        self._install(place, interpreter, [self._wanted(distribution)])
        self._use(place, [distribution])
        shutil.rmtree(place)

    def check_together(self, interpreter: Interpreter, picture: Path) -> None:
        """Installs all distributions with paddlepaddle into one environment, and segments a picture there.

        Raises:
            ReleaseError: They cannot be installed, or do not work there.
        """
        place = self.folder / f"{interpreter.version}-together"
        core, *plugins = self.distributions
        self._install(place, interpreter, [self._wanted(core, "cpu"), *map(self._wanted, plugins)])
        self._use(place, self.distributions)
        for engine in ("paddle", "onnxruntime", "openvino"):
            told = self._run_in(place, "zoo", "predict", picture, "--model", "starter", "--backend", engine, "--json")
            if '"road"' not in told:
                raise ReleaseError(f"{engine} with Python {interpreter.release}", ["no road was found in the street"])
        shutil.rmtree(place)

    def check_extras(self, python: str) -> None:
        """Finds versions of everything that every extra asks for, and installs nothing.

        Args:
            python: A version such as "3.12"; no interpreter of it is needed.

        Raises:
            ReleaseError: There are no versions that fit each other.
        """
        core, *plugins = self.distributions
        wanted = [self._wanted(core, *EXTRAS), *(self._wanted(each, *each.extras) for each in plugins)]
        asked = self.folder / f"extras-{python}.in"
        asked.write_text("\n".join(wanted), encoding="utf-8")
        words = (
            self.uv,
            "pip",
            "compile",
            "--quiet",
            "--no-header",
            "--python-version",
            python,
            "--only-binary",
            ":all:",
        )
        run(*words, *self._sources(), "--constraints", self._ours(), asked, at=self.folder)

    def _install(self, place: Path, interpreter: Interpreter, wanted: Sequence[str]) -> None:
        run(self.uv, "venv", "--quiet", "--no-project", "--python", interpreter.path, place)
        python = place / "bin" / "python"
        words = self.uv, "pip", "install", "--quiet", "--python", python, *self._sources()
        run(*words, "--constraints", self._ours(), *wanted, at=self.folder)
        run(self.uv, "pip", "check", "--quiet", "--python", python, at=self.folder)

    def _use(self, place: Path, installed: Sequence[Distribution]) -> None:
        names = ", ".join(dict.fromkeys(("zoo", *(each.package for each in installed))))
        self._run_in(place, "python", "-I", "-W", "error::SyntaxWarning", "-c", f"import {names}")
        for words in _ASKED:
            told = self._run_in(place, "zoo", *words)
            if words == ("--version",) and str(installed[0].version) not in told:
                raise ReleaseError("zoo --version", [f"{told.strip()!r} does not have {installed[0].version}"])

    def _run_in(self, place: Path, program: str, *words: object) -> str:
        home = place / "home"
        home.mkdir(exist_ok=True)
        environ = {"ZOO_HOME": str(home), "ZOO_OFFLINE": "1", "PYTHONPATH": None, "ZOO_LANG": "en"}
        return run(place / "bin" / program, *words, at=home, environ=environ)

    def _wanted(self, distribution: Distribution, *extras: str) -> str:
        named = f"[{','.join(extras)}]" if extras else ""
        return f"{distribution.name}{named} @ {(self.files / distribution.wheel).as_uri()}"

    def _ours(self) -> Path:
        # By path: by name an index could answer with somebody else's distribution.
        path = self.folder / "ours.txt"
        if not path.exists():
            path.write_text("".join(f"{self._wanted(each)}\n" for each in self.distributions), encoding="utf-8")
        return path

    def _sources(self) -> list[str]:
        return index_options(run(sys.executable, "-m", "pip", "config", "list"))


def index_options(settings: str) -> list[str]:
    """Makes uv look where pip looks: uv does not read pip's settings.

    Args:
        settings: What `pip config list` prints.

    Returns:
        Options of uv. The newest version wins, whichever index has it, as with pip.
    """
    options = ["--index-strategy", "unsafe-best-match"]
    names = {
        "index-url": "--default-index",
        "extra-index-url": "--index",
        "find-links": "--find-links",
        "constraint": "--constraints",
    }
    for line in settings.splitlines():
        key, _, value = line.partition("=")
        option = names.get(key.rpartition(".")[2])
        if option is not None:
            places = value.strip("'\"").replace("\\n", " ").split()
            options += [word for place in dict.fromkeys(places) for word in (option, place)]
    return options
