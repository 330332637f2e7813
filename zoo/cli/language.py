"""The language of help, notes and errors: English, or Chinese where the user's settings say so.

The library speaks English. The command line translates what it prints for people, when it prints it; data on stdout
stays as it is. For English no catalogue is read.
"""

from __future__ import annotations

import os
import sys
from typing import Literal

Language = Literal["en", "zh"]

#: The first of these that is set and not empty decides; the others are the system's.
VARIABLES = ("ZOO_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def choose() -> tuple[Language, str]:
    """Reads the environment.

    Returns:
        The language, and why it is not the one that was asked for with ZOO_LANG; empty if it is.
    """
    variable = next((name for name in VARIABLES if os.environ.get(name)), "LANG")
    value = os.environ.get(variable, "")
    # zh, zh_CN, zh_CN.UTF-8, zh-Hans; en_GB; C, POSIX and every other locale are English.
    spoken = value.lower().replace("-", "_").replace(".", "_").partition("_")[0]
    if spoken == "zh":
        poor = [stream.encoding for stream in (sys.stdout, sys.stderr) if not _can_show_chinese(stream)]
        if not poor:
            return "zh", ""
        reason = f"The encoding {poor[0]} has no Chinese characters. English is used."
    elif spoken == "en":
        reason = ""
    else:
        reason = f"{variable} is {value!r}; en or zh was expected. English is used."
    return "en", reason if variable == "ZOO_LANG" else ""


def language() -> Language:
    """Returns the language of this process."""
    return choose()[0]


def translate(text: str) -> str:
    """Returns a text in the language of this process; what the catalogue does not know stays English.

    Args:
        text: Whole lines as zoo or click words them in English, with the values in place.
    """
    if language() == "en":
        return text
    from zoo.cli.catalogue import chinese

    return chinese().translate(text)


def _can_show_chinese(stream: object) -> bool:
    encoding = getattr(stream, "encoding", None)
    try:
        "中文".encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
