"""Paths: files, folders and patterns."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from functools import partial

from zoo.base.files import user_path
from zoo.errors import SourceError
from zoo.message import Message, printable
from zoo.picture.opening import open_regular
from zoo.picture.sources.content import HEAD_BYTES, content_frames, recognise
from zoo.picture.sources.item import ACCEPTED, URL, Origin, input_name, refused
from zoo.picture.sources.options import SourceOptions
from zoo.picture.sources.tree import MAGIC, Entry, matches, visit
from zoo.picture.unread import unread_kind
from zoo.results.encode import mark_in

#: A file with such a name, in any letter case, is taken from a folder whatever it holds: a broken picture is an error.
SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".bmp", ".tif", ".tiff", ".webp", ".gif"),
    *(".avif", ".jp2", ".j2k", ".jpx", ".j2c", ".jpc"),
    *(".pbm", ".pgm", ".ppm", ".pnm", ".pdf", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg"),
)

_WANTED = "wanted"

# Longest path the system takes.
_LONGEST = 4096

#: What is said of one and of several.
_OTHERS = (
    Message("{count} other file passed over, such as {name}"),
    Message("{count} other files passed over, such as {name}"),
)
_UNREAD = (
    Message("{count} {kind} picture passed over, which zoo does not read: {name}"),
    Message("{count} {kind} pictures passed over, which zoo does not read, such as {name}"),
)
_OWN = (
    Message("{count} result of zoo passed over, {name}"),
    Message("{count} results of zoo passed over, such as {name}"),
)
_SUBFOLDERS = (
    Message("{count} sub-folder not entered, such as {name}"),
    Message("{count} sub-folders not entered, such as {name}"),
)
_WITH_PICTURES = (
    Message("{count} sub-folder with pictures not entered, {name}"),
    Message("{count} sub-folders with pictures not entered, such as {name}"),
)
_FOLDERS = (
    Message("{count} folder not entered, such as {name}"),
    Message("{count} folders not entered, such as {name}"),
)
_LOG = logging.getLogger("zoo")


def from_text(text: str, options: SourceOptions) -> Iterator[Origin]:
    """Reads a text as an address, a folder, a file or a pattern, in this order."""
    text = user_path(text) if _can_be_a_path(text) else text
    if scheme := URL.match(text):
        yield _from_url(text, scheme[1].lower(), options)
    elif not text:
        yield refused(
            Message("is an empty path. {accepted}", accepted=ACCEPTED), Message("Give a dot for the current folder.")
        )
    elif not _can_be_a_path(text):
        start = printable(text[:40]) + ("..." if text[40:] else "")
        fact = Message(
            "is a text of {count} characters that cannot be a path: {start}. {accepted}",
            count=len(text),
            start=start,
            accepted=ACCEPTED,
        )
        yield refused(fact, Message("Pass a picture as bytes, not as text."))
    elif os.path.isdir(text):
        yield from _from_folder(text, options)
    elif MAGIC.search(text) and not os.path.lexists(text):
        yield from _from_pattern(text, options)
    else:
        yield _from_file(text, options)


def check_named(text: str) -> None:
    """Opens the file that a text names, if it names one, and closes it again.

    Raises:
        DecodeError: It is missing, not to be opened, or no regular file.
    """
    if not _can_be_a_path(text):
        return
    path = user_path(text)
    if not (URL.match(path) or os.path.isdir(path) or (MAGIC.search(path) and not os.path.lexists(path))):
        with open_regular(path):
            pass


def _can_be_a_path(text: str) -> bool:
    try:
        return "\0" not in text and 0 < len(os.fsencode(text)) <= _LONGEST
    except UnicodeError:
        return False


def _from_url(url: str, scheme: str, options: SourceOptions) -> Origin:
    # requests is slow to import, and most runs need no network.
    from zoo.picture.sources.urls import from_url
    from zoo.store.download.addresses import shown_url

    if scheme in ("http", "https"):
        return from_url(url, options)
    hint = (
        Message("Give the path alone.") if scheme == "file" else Message("Download it first and give the file's path.")
    )
    return refused(
        Message("has the scheme {scheme}. http or https was expected.", scheme=scheme),
        hint,
        uri=shown_url(url),
        shown=shown_url(url),
    )


def _from_file(path: str, options: SourceOptions) -> Origin:
    frames = partial(content_frames, partial(open_regular, path), options)
    return Origin("input", frames, input_name(path), os.path.abspath(path), printable(path))


def _from_folder(folder: str, options: SourceOptions) -> Iterator[Origin]:
    empty = True
    others: list[str] = []
    unread: dict[str, list[str]] = {}
    own: list[str] = []
    folders: list[str] = []
    for entry in visit(folder, options.recursive):
        if entry.fate == "closed":
            empty = False
            yield _closed(entry)
        elif entry.fate == "passed":
            folders.append(entry.path)
        elif entry.fate == "file" and _is_own(entry.path):
            own.append(entry.path)
        elif entry.fate == "file" and (kind := _kind(entry.path)) != _WANTED:
            (unread.setdefault(kind, []) if kind else others).append(entry.path)
        elif entry.fate == "file":
            empty = False
            yield _from_file(entry.path, options)
    # Pictures that are not segmented are told to everybody.
    lost = [_counted(own, *_OWN)] if own else []
    lost += [_counted(paths, *_UNREAD, kind=kind) for kind, paths in unread.items()]
    parts = [_counted(others, *_OTHERS)] if others else []
    if full := [path for path in folders if options.told and _holds_pictures(path)]:
        lost.append(_counted(full, *_WITH_PICTURES))
    elif folders:
        parts.append(_counted(folders, *_SUBFOLDERS))
    if empty:
        fact = Message(
            "holds no picture ({told:, }). Files such as PNG or JPEG were expected in the folder.",
            told=lost + parts or [Message("it is empty")],
        )
        yield _refused_path(folder, fact, _hint_of_none(bool(folders), bool(unread)))
    elif options.told and (parts or lost):
        level = logging.WARNING if lost else logging.INFO
        told = Message("{told:, }", told=lost + parts)
        if full:
            told = Message("{told}. Sub-folders are read with recursive=True", told=told)
        _LOG.log(level, "%s: %s", printable(folder), told)


def _hint_of_none(folders: bool, unread: bool) -> Message:
    """Returns what helps where a folder holds no picture, by what it holds."""
    if folders:
        return Message("Read its sub-folders too: recursive=True.")
    return Message("Convert the pictures first, for instance to PNG.") if unread else Message("Check the path.")


def _from_pattern(pattern: str, options: SourceOptions) -> Iterator[Origin]:
    entries = matches(pattern)
    folders = [entry.path for entry in entries if entry.fate == "passed"]
    told = _counted(folders, *_FOLDERS) if folders else ""
    if len(folders) == len(entries):
        fact = (
            Message(
                "does not exist, and as a pattern it matches no file ({told}). {accepted}", told=told, accepted=ACCEPTED
            )
            if told
            else Message("does not exist, and as a pattern it matches no file. {accepted}", accepted=ACCEPTED)
        )
        yield _refused_path(pattern, fact, Message("Check the pattern; ** stands for any number of folders."))
        return
    own: list[str] = []
    for entry in entries:
        if entry.fate == "closed":
            yield _closed(entry)
        elif entry.fate == "file" and _is_own(entry.path):
            own.append(entry.path)
        elif entry.fate == "file":
            yield _from_file(entry.path, options)
    if len(own) == sum(entry.fate != "passed" for entry in entries):
        fact = Message("matches no picture ({told}).", told=_counted(own, *_OWN))
        yield _refused_path(pattern, fact, Message("Check the pattern; ** stands for any number of folders."))
    elif own and options.told:
        _LOG.warning("%s: %s", printable(pattern), _counted(own, *_OWN))
    if told and options.told:
        _LOG.info("%s: %s", printable(pattern), told)


def _kind(path: str) -> str:
    """Returns what a file of a folder is: wanted, a kind of picture that zoo does not read, or "" for no picture."""
    if path.lower().endswith(SUFFIXES):
        return _WANTED
    try:
        with open_regular(path) as file:
            head = file.read(HEAD_BYTES)
    except (SourceError, OSError):
        return ""
    return unread_kind(head, path) or (_WANTED if recognise(head) else "")


def _is_own(path: str) -> bool:
    """Whether zoo wrote a file: results beside the pictures they were made from are no pictures to segment."""
    try:
        with open_regular(path) as file:
            return mark_in(file) is not None
    except (SourceError, OSError):
        return False


def _holds_pictures(folder: str) -> bool:
    """Whether there is a picture in a folder or below, by its name, that is no result of zoo's."""
    files = (entry.path for entry in visit(folder, recursive=True) if entry.fate == "file")
    return any(path.lower().endswith(SUFFIXES) and not _is_own(path) for path in files)


def _closed(entry: Entry) -> Origin:
    fact = Message("cannot be listed: {reason}. A folder that may be read was expected.", reason=entry.reason)
    return _refused_path(entry.path, fact, Message("Correct its permissions, or give the files."))


def _refused_path(path: str, fact: str, hint: str) -> Origin:
    return refused(fact, hint, SourceError, stem=input_name(path), uri=os.path.abspath(path), shown=printable(path))


def _counted(paths: Sequence[str], one: str, several: str, **values: str) -> str:
    """Says how many there are: one or several of them."""
    name = os.path.basename(paths[0].rstrip("/"))
    return Message(several if len(paths) > 1 else one, count=len(paths), name=name, **values)
