"""A program in a terminal of its own, and what a person sees there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

import pyte

ROWS = 24


@dataclass(frozen=True)
class Seen:
    """What a terminal showed.

    Attributes:
        code: The exit code of the program.
        frames: Every state of the last line with something in it, in order.
        left: The lines that are there at the end, with those that went out at the top.
    """

    code: int
    frames: list[str]
    left: list[str]


def in_terminal(
    command: list[str],
    *,
    columns: int = 120,
    stdout: IO[bytes] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    interrupt: Callable[[str], bool] = lambda line: False,
    times: int = 1,
) -> Seen:
    """Runs a program in a terminal until it ends.

    Args:
        command: The program.
        columns: Width of the terminal.
        stdout: Where standard output goes, if not to the terminal.
        cwd: The working directory.
        interrupt: Asked with every new state of the last line; Ctrl-C is pressed when it says so.
        times: How often at most, a second apart.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    # Ctrl-C otherwise throws away what was written and not yet read here.
    modes = termios.tcgetattr(theirs)
    modes[3] |= termios.NOFLSH
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    screen = pyte.HistoryScreen(columns, ROWS, history=10000)
    stream = pyte.ByteStream(screen)
    frames: list[str] = []
    presses: list[threading.Timer] = []
    with subprocess.Popen(
        [sys.executable, "-c", _OWN_TERMINAL, *command],
        stdin=theirs,
        stdout=stdout or theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "LANG": "C.UTF-8"},
        cwd=cwd,
        start_new_session=True,
    ) as program:
        os.close(theirs)
        for shown in _output(ours):
            stream.feed(shown)
            last = next((line for line in reversed(_lines(screen)) if line), "")
            if not frames or frames[-1] != last:
                frames.append(last)
                if not presses and interrupt(last):
                    # The later ones whatever is shown by then.
                    presses = [threading.Timer(number, os.write, (ours, b"\x03")) for number in range(times)]
                    for press in presses:
                        press.start()
        for press in presses:
            press.cancel()
        os.close(ours)
    lines = _lines(screen)
    while lines and not lines[-1]:
        lines.pop()
    return Seen(program.returncode, frames, lines)


# Ctrl-C is pressed in a terminal that the program is in charge of.
_OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def _output(terminal: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError):  # the end of a terminal
        while shown := os.read(terminal, 4096):
            yield shown


def _lines(screen: pyte.HistoryScreen) -> list[str]:
    above = ["".join(row[column].data for column in range(screen.columns)).rstrip() for row in screen.history.top]
    return above + [line.rstrip() for line in screen.display]
