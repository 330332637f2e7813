"""Trials: what may hang or end a process is done in a child first, and what came of it is kept.

Kept is what holds for one program, on one device, by one engine, in the versions that are installed. Only what worked
is kept: the next version of a file or a driver may be whole.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from zoo.base.child import environment, python
from zoo.base.files import ensure_folder, write_atomic
from zoo.base.home import forget, home
from zoo.contract.refs import resolve
from zoo.errors import CacheError, OutputError
from zoo.message import Message
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind
from zoo.settings.json_text import read_json
from zoo.settings.rules import STRING, array, mapping

_log = logging.getLogger("zoo.engine")
# The command line shows what it says while it lasts.
_trial_log = logging.getLogger("zoo.engine.trial")
_SUFFIX = ".trial.json"
#: Endings of the records of `zoo.proof`, which go with those of trials.
PROOF_SUFFIX = ".proof.json"
CHOICE_SUFFIX = ".choice.json"
#: Of what models cost, see `zoo.learn.recommendation`.
COST_SUFFIX = ".cost.json"
#: Of the lock of a program whose engines are proven.
LOCK_SUFFIX = ".lock"
# Nobody sees this error: the trial is made again.
_KIND = DocumentKind(CacheError)
_SCHEMA = mapping(
    {
        **dict.fromkeys(("program", "engine", "device", "precision", "setting", "preferred"), STRING),
        "versions": array(STRING),
    },
    closed=True,
)
# What a child exits with when the job itself raised.
_RAISED = 3
# Signals that say the same; others, such as SIGKILL for want of memory, come from outside.
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
# What libraries of C++ say when they get no memory or no thread; oneDNN only that there was an exception.
_SHORTAGE = re.compile(
    "std::exception|bad_alloc|ResourceExhausted|out of memory|cannot allocate|temporarily unavailable|"
    "failed to map segment",
    re.I,
)

#: Hint where what failed may work another time.
TRY_AGAIN = Message("Try again when there is more memory and time for it; `ulimit -v` shows the limit of its memory.")


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended.

    Attributes:
        reason: Why there is no answer; None when there is one.
        lasting: Whether the next trial would find the same. Not so where the child could not start, or ran out of time
            or memory.
        answer: What the job returned, plain data.
        killed: Whether a signal ended it, or it had to be ended.
    """

    reason: str | None
    lasting: bool
    answer: Any = None
    killed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """What a trial is about.

    Attributes:
        program: Digest of the program.
        engine: Name of the engine.
        device: Name of the device, such as "npu:1".
        precision: Precision of the arithmetic.
        versions: Of everything the outcome depends on, such as "paddle 3.2.2".
    """

    program: str
    engine: str
    device: str
    precision: str
    versions: tuple[str, ...]

    def kept(self) -> str | None:
        """Returns the setting that worked, or None where nothing is kept."""
        document = _read(self._record())
        return None if document is None else document["setting"]

    def announce(self) -> None:
        """Says in the log that a trial begins, which may take a while."""
        _trial_log.info("first use on this machine, the engine is tried")

    def keep(self, setting: str, preferred: str) -> None:
        """Keeps what worked.

        Args:
            setting: The engine's setting; empty where it has none.
            preferred: The setting it would rather have.
        """
        document = {**dataclasses.asdict(self), "setting": setting, "preferred": preferred}
        try:
            record = self._record()
            ensure_folder(record.parent)
            write_atomic(record, json.dumps(document).encode())
        except (CacheError, OutputError) as error:
            # A read-only cache costs a trial every time, nothing else.
            _log.info("the outcome of a trial could not be kept: %s", error.message)

    def _record(self) -> Path:
        key = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return _folder() / f"{hashlib.sha256(key.encode()).hexdigest()}{_SUFFIX}"


def kept_trials() -> Iterator[dict[str, Any] | None]:
    """Yields the fields of every trial that is kept, with `setting` and `preferred`; None for a damaged record.

    Raises:
        CacheError: The cache folder cannot be used.
        OSError: It cannot be read.
    """
    for record in sorted(_folder().glob(f"*{_SUFFIX}")):
        yield _read(record)


def forget_trials() -> int:
    """Removes every trial, proof and measurement that is kept, and returns how many there were.

    Programs are tried again when they are loaded.

    Raises:
        CacheError: The cache folder cannot be used.
    """
    forget(f"engines/*{LOCK_SUFFIX}")
    return len(forget(*(f"engines/*{suffix}" for suffix in (_SUFFIX, PROOF_SUFFIX, CHOICE_SUFFIX, COST_SUFFIX))))


def in_child(job: str, *arguments: Any, seconds: float) -> Outcome:
    """Calls a function in a child process.

    Args:
        job: "package.module:function" of zoo; it returns plain data.
        arguments: Its arguments, plain data.
        seconds: How long it may take.
    """
    try:
        status, answered, said = _ended(python("zoo.engine.trial", job, json.dumps(arguments)), seconds)
    except subprocess.TimeoutExpired:
        return Outcome(Message("took more than {seconds:g} seconds", seconds=seconds), lasting=False, killed=True)
    except OSError as error:
        return Outcome(Message("could not start: {reason}", reason=error.strerror or error), lasting=False)
    if status < 0:
        number = -status
        # C++ that cannot get memory aborts.
        crashed = number in _CRASHES and not is_shortage(said)
        return Outcome(Message("ended by {signal}", signal=signal_name(number)), lasting=crashed, killed=True)
    try:
        answer = _unpacked(json.loads(answered))
    except ValueError:
        last = said.splitlines()[-1] if said else Message("no message")
        reason = Message("exit status {status}: {reason}", status=status, reason=last)
        return Outcome(reason, lasting=status == _RAISED and not is_shortage(last))
    return Outcome(None, lasting=True, answer=answer)


def is_shortage(said: str) -> bool:
    """Whether a library says that it got no memory or no thread."""
    return bool(_SHORTAGE.search(said))


def signal_name(number: int) -> str:
    """Returns the name of a signal; of one without a name, as those of real time are, its number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return Message("signal {number}", number=number)


def _ended(command: list[str], seconds: float) -> tuple[int, bytes, str]:
    """Runs a command to its end and returns its status and what it wrote on stdout and stderr.

    Raises:
        OSError: It cannot be started.
        subprocess.TimeoutExpired: It took longer and was ended.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True
    ) as child:
        try:
            answered, said = child.communicate(timeout=seconds)
        except BaseException:
            # With what it has started, which would keep the pipes open.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            raise
    return child.returncode, answered, said.decode("utf-8", "replace").strip()


def _folder() -> Path:
    return home() / "engines"


def _read(record: Path) -> dict[str, Any] | None:
    try:
        return conform(read_json(record, _KIND), _SCHEMA)
    except CacheError:
        return None


def _packed(value: Any) -> Any:
    """Returns plain data that keeps template and values of a message."""
    if isinstance(value, Message):
        return {"template": value.template, "values": _packed(dict(value.values))}
    if isinstance(value, dict):
        return {name: _packed(item) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_packed(item) for item in cast("list[Any]", value)]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_unpacked(item) for item in cast("list[Any]", value))
    if not isinstance(value, dict):
        return value
    items = {name: _unpacked(item) for name, item in cast("dict[str, Any]", value).items()}
    return Message(items["template"], **items["values"]) if items.keys() == {"template", "values"} else items


def _child(job: str, arguments: str) -> None:
    # What the job's libraries print must not get into the answer.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        try:
            answer = resolve(job)(*json.loads(arguments))
        except (ImportError, MemoryError):
            raise
        except BaseException as error:
            # The parent shows the last line.
            sys.stderr.write(f"{' '.join(str(error).split()) or type(error).__name__}\n")
            sys.stderr.flush()
            os._exit(_RAISED)
        json.dump(_packed(answer), answers)
    sys.stderr.flush()
    # Not by the usual way out: a library that fails in its own end has answered all the same.
    os._exit(0)


if __name__ == "__main__":
    _child(*sys.argv[1:])
