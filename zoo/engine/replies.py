"""What a plugin said, brought to what the contract promises, and what it raised, with its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from zoo.contract.device import Probe
from zoo.contract.engine import Facts
from zoo.errors import ZooError
from zoo.message import Message, described
from zoo.registry.found import Plugin


def asked(question: Callable[[], Any], owner: Plugin) -> Probe:
    """Returns the answer of a plugin to "are you there?"; "no" with the reason where it fails or answers nonsense."""
    try:
        answer: Any = question()
    except KeyboardInterrupt:
        raise
    except BaseException as cause:
        return Probe(0, failure(owner, "its probe", cause))
    if not isinstance(answer, Probe):
        kind = type(answer).__name__
        return Probe(
            0,
            Message(
                "{owner} answered with an object of type {type}, not with a zoo.plugin.Probe", owner=owner, type=kind
            ),
        )
    names: Any = answer.names
    if type(answer.count) is not int or answer.count < 0:
        return Probe(0, Message("{owner} counts {count!r} devices", owner=owner, count=answer.count))
    listed = isinstance(names, (list, tuple))
    texts: tuple[Any, ...] = (answer.reason, answer.install, *(names if listed else ()))
    if not listed or not all(isinstance(text, str) for text in texts):
        return Probe(0, Message("{owner} answered with a zoo.plugin.Probe of other things than texts", owner=owner))
    if answer.count and names and len(names) != answer.count:
        return Probe(
            0,
            Message(
                "{owner} counts {count} but names {number}: {names:, }",
                owner=owner,
                count=answer.count,
                number=len(names),
                names=names,
            ),
        )
    if not answer.count and not answer.reason:
        return Probe(0, Message("{owner} gives no reason", owner=owner), install=answer.install)
    return answer


def checked_facts(session: object) -> Facts | None:
    """Returns what a session says of itself; None where that is no `Facts` of texts."""
    facts: object = getattr(session, "facts", None)
    if not isinstance(facts, Facts):
        return None
    texts: tuple[Any, ...] = (facts.engine, facts.version, facts.setting, facts.precision, facts.device)
    return facts if all(isinstance(text, str) for text in texts) else None


def signed(error: ZooError, engine: str, owner: Plugin) -> ZooError:
    """Returns an error that an engine raised as one of zoo's, of zoo's class, with the engine and who brings it."""
    kind = next(cast("type[ZooError]", kind) for kind in type(error).__mro__ if kind.__module__ == ZooError.__module__)
    # A class of theirs may have left out zoo's constructor.
    said = Message(
        "The engine {engine} of {owner}: {reason}.",
        engine=engine,
        owner=owner,
        reason=getattr(error, "message", None) or described(error),
    )
    return kind(said, getattr(error, "hint", None) or report(owner))


def failure(owner: Plugin, where: str, cause: BaseException) -> Message:
    """Returns a clause that says how code of a plugin failed."""
    return Message(
        "{owner} failed in {where} with {error}",
        owner=owner,
        where=Message("its probe") if where == "its probe" else where,
        error=described(cause),
    )


def report(owner: Plugin) -> Message:
    """Returns the hint where a plugin is at fault."""
    return Message("Run it again with --debug and report the traceback to the author of {owner}.", owner=owner)
