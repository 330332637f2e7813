"""The language of help, notes and errors: English, or Chinese where the user's settings say so.

The library speaks English. The command line translates what it prints for people, when it prints it; data on stdout
stays as it is. For English no catalogue is read.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Literal

from zoo.message import Message, filled

if TYPE_CHECKING:
    from gettext import NullTranslations

Language = Literal["en", "zh"]

#: The first of these that is set and not empty decides; the others are the system's.
VARIABLES = ("ZOO_LANG", "LC_ALL", "LC_MESSAGES", "LANG")

_WIDE = "[\u3000-\u9fff\uff00-\uffef]"
#: Where a message inside a message begins and ends, with the blank that Chinese does not have between two characters,
#: or the full stop that another one follows. Compiled when it is first needed: that takes 2 ms.
_JOINTS = f"[.。]\0(?=[.。])|(?<={_WIDE}) ?\0 ?(?={_WIDE})|\0"

#: zh/LC_MESSAGES/DOMAIN.po and what is compiled from it.
LOCALE = os.path.join(os.path.dirname(__file__), "locale")


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
        reason = Message("The encoding {encoding} has no Chinese characters. English is used.", encoding=poor[0])
    elif spoken == "en":
        reason = ""
    else:
        reason = Message(
            "{variable} is {value!r}; en or zh was expected. English is used.", variable=variable, value=value
        )
    return "en", reason if variable == "ZOO_LANG" else ""


def language() -> Language:
    """Returns the language of this process."""
    return choose()[0]


def translate(text: str) -> str:
    """Returns a text in the language of this process; what the catalogue does not know stays English.

    Args:
        text: A message, whose template is looked up and whose values are put into the translation, or a text of zoo's
            own without values.
    """
    if language() == "en" or not text:
        return text
    chinese = catalogue("zoo").gettext
    if not isinstance(text, Message):
        return chinese(text)
    # What cannot be printed is escaped in values, so that this marks nothing but messages inside the message.
    shown = filled(chinese(text.template), text.values, lambda inner: f"\0{translate(inner)}\0")
    return re.sub(_JOINTS, "", shown)


def tr(template: str, /, **values: object) -> str:
    """Returns a message of these parts, as of `zoo.message.Message`, in the language of this process."""
    return translate(Message(template, **values))


def sentences(first: str, second: str) -> str:
    """Joins two that are in the language of this process: Chinese ones follow each other without a blank."""
    return f"{first}{'' if first.endswith('。') else ' '}{second}" if second else first


@contextlib.contextmanager
def click_speaks() -> Generator[None, None, None]:
    """Lets click word its own texts in the language of this process, as long as the block runs.

    click looks them up with `gettext.gettext`, so its domain is made the current one. Which language that finds follows
    from the environment alone; LANGUAGE comes first there.
    """
    if language() == "en":
        yield
        return
    import gettext

    domain, before = gettext.textdomain(), os.environ.get("LANGUAGE")
    gettext.bindtextdomain("click", LOCALE)
    gettext.textdomain("click")
    os.environ["LANGUAGE"] = "zh"
    try:
        yield
    finally:
        gettext.textdomain(domain)
        if before is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = before


@functools.cache
def catalogue(domain: str) -> NullTranslations:
    """Returns the Chinese catalogue of zoo or of click; it is read once."""
    import gettext

    return gettext.translation(domain, LOCALE, ["zh"])


def _can_show_chinese(stream: object) -> bool:
    encoding = getattr(stream, "encoding", None)
    try:
        "中文".encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
