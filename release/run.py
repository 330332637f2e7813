"""Running a program whose output counts only if it fails."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from release.errors import ReleaseError

#: Seconds after which a program that still runs is ended.
LONGEST = 1800.0


def run(*words: object, at: Path | None = None, environ: Mapping[str, str | None] | None = None) -> str:
    """Runs a program to its end.

    Args:
        words: The program and its arguments.
        at: The folder it runs in.
        environ: Variables that are set for it, or taken away where the value is None.

    Returns:
        Its standard output.

    Raises:
        ReleaseError: It could not be started, failed, or took longer than half an hour; with the end of its output.
    """
    command = [str(word) for word in words]
    variables = dict(os.environ)
    for name, value in (environ or {}).items():
        if value is None:
            variables.pop(name, None)
        else:
            variables[name] = value
    shown = " ".join([Path(command[0]).name, *command[1:]])
    try:
        done = subprocess.run(
            command,
            cwd=at,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseError(shown, [str(error)]) from error
    if done.returncode:
        said = [*done.stdout.splitlines(), *done.stderr.splitlines()]
        raise ReleaseError(shown, [f"exit status {done.returncode}", *said[-30:]])
    return done.stdout
