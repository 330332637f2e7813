"""Where outputs go: safe names inside the folder, and never over a file that is not this input's own.

The rule: an output is `<stem>_overlay.png`, `<stem>~2_overlay.png`, `<stem>~3_overlay.png` ..., the first name that is
free or already holds an output of the same form made from the same source, and whose number no other source has. What a
file is, it tells itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import itertools
import os
import re
import stat
import threading
import unicodedata
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.base.files import ensure_folder, user_path, write_atomic
from zoo.contract.format import Format, Mark
from zoo.errors import OutputError
from zoo.message import Message
from zoo.registry.formats import all_formats
from zoo.results.encode import find_mark, read_mark, read_source

#: Longest stem in bytes: with number, kind and suffix a name stays below the 255 bytes file systems allow.
MAX_STEM_BYTES = 200

_SUFFIX = re.compile(r"\.(?:png|jpe?g|bmp|tiff?|webp|p[bgpn]m|gif)$", re.IGNORECASE)
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
_FORBIDDEN = frozenset('<>:"/\\|?*')

# Choosing a name and writing it is one step, or two threads would choose the same.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Target:
    """A place to write to: a folder that exists, and a file name in it if the user gave one."""

    folder: Path
    name: str | None

    @property
    def suffix(self) -> str:
        """The file name's suffix in lower case, empty without a file name."""
        return os.path.splitext(self.name or "")[1].lower()


def find_target(save_path: str | os.PathLike[str], suffixes: Sequence[str]) -> Target:
    """Reads a path the user gave: an existing folder, a path that ends with a separator and a path without a suffix
    are folders, which are made; everything else is a file.

    Args:
        save_path: The path.
        suffixes: What a file's name may end with, in lower case with the dot, the recommended one first.

    Raises:
        OutputError: The suffix is another, or the folder cannot be written to.
    """
    text = user_path(save_path)
    if "\0" in text:
        raise OutputError("{text} cannot be a path: it holds a zero byte.", "Give a path without it.", text=text)
    path = Path(text)
    separators = tuple(filter(None, (os.sep, os.altsep)))
    # Unlike Path.is_dir this raises nothing, whatever is wrong with the path: writing to it will tell.
    if os.path.isdir(path) or text.endswith(separators) or not path.suffix:
        return Target(ensure_folder(path), None)
    check_suffix(path, suffixes)
    return Target(ensure_folder(path.parent), path.name)


def folder_in_tree(folder: Path, uri: str, roots: Iterable[str]) -> Path:
    """Returns the folder for the outputs of an input that keep the sub-folders of where they come from.

    Args:
        folder: The folder for all outputs.
        uri: The input's.
        roots: Absolute paths of folders that were asked for; what is in none of them has no sub-folder.
    """
    for root in roots:
        if os.path.isabs(uri) and os.path.commonpath((root, uri)) == root:
            return folder / os.path.dirname(os.path.relpath(uri, root))
    return folder


def check_suffix(path: Path, suffixes: Sequence[str]) -> None:
    """Makes sure that a file is called by what it is to hold.

    Args:
        path: The file.
        suffixes: As in `find_target`.

    Raises:
        OutputError: The suffix is another.
    """
    if path.suffix.lower() not in suffixes:
        raise OutputError(
            "{path} ends with {suffix}. Expected a folder, or a name that ends with {suffixes}.",
            "Use {example}, or {path}{sep} for a folder.",
            path=path,
            suffix=path.suffix,
            suffixes=_either(suffixes),
            example=path.with_suffix(suffixes[0]),
            sep=os.sep,
        )


def _either(suffixes: Sequence[str]) -> str:
    *others, last = suffixes
    return Message("{forms:, } or {last}", forms=others, last=last) if others else last


def publish(target: Target, name: str, ending: str, content: bytes, together: Sequence[Format] = ()) -> Path:
    """Writes an output under the first name that is free or this source's own.

    Args:
        target: Where to.
        name: The input's name; used if the target is a folder.
        ending: What follows the stem then, such as "_overlay.png".
        content: The whole file; the mark at its beginning says whose it is.
        together: Forms that this source's outputs have in this run: they get one number.

    Returns:
        The file written.

    Raises:
        OutputError: It cannot be written, or the file the user named is not this source's own.
    """
    mark = find_mark(content)
    assert mark is not None, "an output without a mark could be replaced by anybody"
    with _ONE_AT_A_TIME, _alone_in(target.folder):
        if target.name is not None:
            path = target.folder / target.name
            check_free(path)
            if not _may_write(path, mark, any_form=True):
                raise OutputError(
                    "{path} exists and holds the result of {owner}. Only an older result of {source} is replaced.",
                    "Give a folder or another name, or move the file away.",
                    path=path,
                    owner=read_source(path),
                    source=mark.source,
                )
            return write_atomic(path, content)
        for stem in _own_first(target.folder, safe_stem(name), mark.source):
            path = target.folder / f"{stem}{ending}"
            wanted = {path: mark}
            wanted |= {target.folder / f"{stem}{form.ending}": Mark(form.mark_form, mark.source) for form in together}
            # The form matters: a result document and a LabelMe file of one picture have the same name.
            if all(_may_write(each, its, any_form=False) for each, its in wanted.items()):
                return write_atomic(path, content)
    raise AssertionError("unreachable: the numbers do not end")


def check_free(path: Path) -> None:
    """Makes sure that a file the user named can be written, as far as that is known before its content.

    Raises:
        OutputError: It is there, and zoo did not write it.
    """
    if os.path.lexists(path) and (not _is_file(path) or read_mark(path) is None):
        raise OutputError(
            "{path} exists and is no file zoo wrote. Only an older result of the same picture is replaced.",
            "Give a folder or another name, or move the file away.",
            path=path,
        )


@contextlib.contextmanager
def _alone_in(folder: Path) -> Generator[None, None, None]:
    """Keeps other processes of zoo from taking the same name meanwhile, where the file system has locks."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)  # which gives the lock back
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def safe_stem(name: str) -> str:
    """Makes a file name's stem from an input's name.

    The suffix of a picture is dropped and the text composed (NFC). Separators, characters that some file system
    forbids, and everything that cannot be printed become "_", as does a leading dash or dot. A name some system
    reserves gets a "_" in front. What is longer than `MAX_STEM_BYTES` is cut and ends with the first eight hex
    digits of the SHA-256 of the whole name. An empty name becomes "picture".
    """
    stem = _SUFFIX.sub("", unicodedata.normalize("NFC", name))
    stem = "".join(c if c.isprintable() and c not in _FORBIDDEN else "_" for c in stem).strip().rstrip(". ")
    if stem.startswith(("-", ".")):
        stem = f"_{stem[1:]}"
    if _DEVICE.match(stem):
        stem = f"_{stem}"
    encoded = stem.encode("utf-8")
    if len(encoded) > MAX_STEM_BYTES:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        stem = f"{encoded[: MAX_STEM_BYTES - 9].decode('utf-8', 'ignore')}-{digest}"
    return stem or "picture"


def stems_for(folder: Path, stem: str, source: str) -> Iterator[str]:
    """Yields the numbered stems under which no other source has an output, without end; one of its own first.

    Args:
        folder: Where outputs go.
        stem: A safe stem.
        source: Whose outputs they are, as their mark says.
    """
    seen = _seen(os.path.abspath(folder), stem)
    if seen.first > 1 and sources_of(folder, stem) != seen.begun:
        seen.forget()
    yield from (_numbered(stem, number) for number in seen.numbers.get(source, ()))
    for number in itertools.count(seen.first):
        numbered = _numbered(stem, number)
        sources = sources_of(folder, numbered)
        if not sources or source in sources:
            yield numbered
        elif number == seen.first:
            seen.pass_over(sources)


def _own_first(folder: Path, stem: str, source: str) -> list[str]:
    """Returns the stems of `stems_for` up to one where nothing is, those with outputs of the source first."""
    stems: list[str] = []
    for numbered in stems_for(folder, stem, source):
        stems.append(numbered)
        if is_free(folder, numbered):
            break
    return stems if len(stems) == 1 else sorted(stems, key=lambda each: source not in sources_of(folder, each))


def sources_of(folder: Path, numbered: str) -> frozenset[str]:
    """Returns whose outputs stand in a folder under a numbered stem."""
    endings = {form.ending for form in all_formats()}
    marks = [read_mark(path) for ending in endings if _is_file(path := folder / f"{numbered}{ending}")]
    return frozenset(mark.source for mark in marks if mark is not None)


def is_free(folder: Path, numbered: str) -> bool:
    """Whether no output could meet a file under a numbered stem, whoever wrote it."""
    return not any(os.path.lexists(folder / f"{numbered}{form.ending}") for form in all_formats())


class _Seen:
    """What this process has seen of one stem: without it the n-th picture of a name would look at n others' files.

    Attributes:
        first: The first number that may be free; those below are taken.
        numbers: The numbers of each source below; more than one where a file of the user's was in the way.
        begun: Whose the first one is. Where that is no longer so, the folder was emptied meanwhile.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.first = 1
        self.numbers: dict[str, tuple[int, ...]] = {}
        self.begun: frozenset[str] = frozenset()

    def pass_over(self, sources: frozenset[str]) -> None:
        if self.first == 1:
            self.begun = sources
        for source in sources:
            self.numbers[source] = (*self.numbers.get(source, ()), self.first)
        self.first += 1


@functools.lru_cache(maxsize=1000)
def _seen(folder: str, stem: str) -> _Seen:
    return _Seen()


def _numbered(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}~{number}"


def _may_write(path: Path, mark: Mark, any_form: bool) -> bool:
    if not os.path.lexists(path):
        # Free, or not to be reached, which the writing itself reports.
        return True
    found = read_mark(path) if _is_file(path) else None
    return found is not None and found.source == mark.source and (any_form or found.form == mark.form)


def _is_file(path: Path) -> bool:
    """Says whether a path is a plain file: a link, a folder or a pipe is nobody's output."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
