"""Reads the pickles paddle writes without running anything they ask for.

`pickle` imports and calls whatever a file names. Here the opcodes are carried out by a small machine that knows plain
containers, numbers, text and numpy arrays, and for which a name such as `numpy.dtype` is a word and not an object.
Nothing of the file is ever imported or called.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import CheckpointError, UnsafeWeightsError
from zoo.learn.checkpoint.stand_ins import (
    KNOWN,
    RANDOM,
    PickledArray,
    PickledDType,
    PickledName,
    PickledRandom,
    RandomState,
    array_of,
    call,
    checked_key,
    dotted,
    short_text,
)
from zoo.message import Message, described

# A state dict needs about thirty for an array; an object of one byte in the file takes a hundred in memory.
_MAX_OPCODES = 2_000_000
_MAX_DEPTH = 32


def read_pickle(path: Path) -> Any:
    """Reads a file written by `paddle.save`.

    Args:
        path: A pickle of protocol 2 to 5.

    Returns:
        Dicts, lists, tuples, numbers, text, bytes, None, numpy arrays and `RandomState`, as the file nests them.

    Raises:
        UnsafeWeightsError: The file names anything else; the message says what.
        CheckpointError: It is damaged, or no pickle.
    """
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            machine = _Machine(path, size)
            end = -1
            for count, (opcode, argument, position) in enumerate(pickletools.genops(file)):
                if count > _MAX_OPCODES:
                    raise _damaged(path, Message("it has more than {limit} instructions", limit=_MAX_OPCODES))
                machine.step(opcode.name, argument)
                end = position or 0
        if end + 1 != size:
            raise _damaged(path, Message("{size} bytes follow its end", size=size - end - 1))
        return _finished(path, machine.result(), 0, {})
    except (UnsafeWeightsError, CheckpointError):
        raise
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    except Exception as error:
        raise _damaged(path, described(error)) from error


class _Machine:
    """The stack, the memo and the opcodes paddle's files need.

    Work and memory are linear in the size of the file: what calls copy is counted, because the memo gives an object any
    number of times.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._stack: list[Any] = []
        self._outer: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        # An array's bytes are copied when they were text, and once more when they become numbers.
        self._left = 3 * size

    def result(self) -> Any:
        count = len(self._stack) + sum(map(len, self._outer))
        if count != 1 or self._outer:
            raise ValueError(Message("{count} objects are left at its end", count=count))
        return self._stack[0]

    def step(self, name: str, argument: Any) -> None:
        action = _ACTIONS.get(name)
        if action is not None:
            action(self, argument)
        elif name in _LITERALS:
            self._stack.append(argument)
        elif name not in _IGNORED:
            raise UnsafeWeightsError(
                "{path} uses the pickle instruction {name}, which no weights need. Nothing was run.",
                _HINT,
                path=self._path,
                name=name,
            )

    def constant(self, value: Any) -> None:
        self._stack.append(value)

    def since_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._outer.pop()
        return items

    def make_tuple(self, count: int) -> None:
        items = tuple(self._stack[len(self._stack) - count :]) if count else ()
        if len(items) != count:
            raise ValueError(Message("a tuple needs more than the stack holds"))
        del self._stack[len(self._stack) - count :]
        self._stack.append(items)

    def append(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not list:
            raise ValueError(Message("something is appended to what is no list"))
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise ValueError(Message("an item is set in what is no dict"))
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[checked_key(key)] = value

    def name(self, module: Any, attribute: Any) -> None:
        if type(module) is not str or type(attribute) is not str:
            raise ValueError(Message("a name is no text"))
        pair = (module, attribute)
        if pair not in KNOWN:
            hint = _HINT
            if pair in (("builtins", "eval"), ("__builtin__", "eval")):
                hint = Message(
                    "Static graphs are saved like this: open it with the paddle that wrote it and save a state dict."
                )
            raise UnsafeWeightsError(
                "{path} asks for {alias}. Only numpy arrays in plain containers are read; nothing was run.",
                hint,
                path=self._path,
                alias=dotted(pair),
            )
        self._stack.append(PickledName(pair))

    def memoize(self, key: int) -> None:
        self._memo[key] = self._stack[-1]

    def recall(self, key: int) -> None:
        self._stack.append(self._memo[key])

    def reduce(self) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        if not isinstance(function, PickledName) or type(arguments) is not tuple:
            raise ValueError(Message("a call of what is no known name"))
        self._stack.append(self._copied(call(function.pair, arguments)))

    def new(self) -> None:
        arguments, cls = self._stack.pop(), self._stack.pop()
        if cls != PickledName(RANDOM) or arguments != ():
            raise ValueError(Message("an object of an unknown class"))
        self._stack.append(PickledRandom())

    def build(self) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, PickledArray) and target.value is None:
            target.value = self._copied(array_of(state))
        elif isinstance(target, PickledDType):
            target.order = short_text(state[1])
        elif isinstance(target, PickledRandom) and target.value is None and type(state) in (tuple, list):
            target.value = RandomState(self._copied(tuple(state)))
        else:
            raise ValueError(Message("a state for what takes none"))

    def pop(self) -> Any:
        return self._stack.pop()

    def mark(self) -> None:
        self._outer.append(self._stack)
        self._stack = []

    def _copied(self, made: Any) -> Any:
        if isinstance(made, (bytes, tuple, dict)):
            self._left -= len(made)
        elif isinstance(made, np.ndarray):
            self._left -= made.nbytes
        if self._left < 0:
            raise ValueError(Message("it makes more of its bytes than it has"))
        return made

    def top_to_tuple(self) -> None:
        items = self.since_mark()
        self._stack.append(tuple(items))

    def memo_size(self) -> int:
        return len(self._memo)


def _finished(path: Path, value: Any, depth: int, done: dict[int, Any]) -> Any:
    """Puts the values in the place of their stand-ins."""
    if depth > _MAX_DEPTH:
        raise _damaged(path, Message("it is nested deeper than {limit} levels", limit=_MAX_DEPTH))
    if isinstance(value, (PickledArray, PickledRandom)):
        if value.value is None:
            raise _damaged(path, Message("an array has no data"))
        return value.value
    if isinstance(value, (PickledDType, PickledName)):
        raise _damaged(path, Message("it holds a name in the place of a value"))
    if not isinstance(value, (dict, list, tuple)):
        return value
    # One object may be named many times: it is finished once, or shared nests would take for ever.
    if id(value) not in done:
        if isinstance(value, dict):
            done[id(value)] = {key: _finished(path, item, depth + 1, done) for key, item in value.items()}
        else:
            items = [_finished(path, item, depth + 1, done) for item in value]
            done[id(value)] = items if isinstance(value, list) else tuple(items)
    return done[id(value)]


_LITERALS = frozenset(
    {
        "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "UNICODE", "BINUNICODE",
        "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
    }
)  # fmt: skip
_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})

_Action = Callable[[_Machine, Any], None]
_ACTIONS: dict[str, _Action] = {
    "NONE": lambda m, _: m.constant(None),
    "NEWTRUE": lambda m, _: m.constant(True),
    "NEWFALSE": lambda m, _: m.constant(False),
    "EMPTY_DICT": lambda m, _: m.constant({}),
    "EMPTY_LIST": lambda m, _: m.constant([]),
    "EMPTY_TUPLE": lambda m, _: m.constant(()),
    "MARK": lambda m, _: m.mark(),
    "TUPLE": lambda m, _: m.top_to_tuple(),
    "TUPLE1": lambda m, _: m.make_tuple(1),
    "TUPLE2": lambda m, _: m.make_tuple(2),
    "TUPLE3": lambda m, _: m.make_tuple(3),
    "APPEND": lambda m, _: m.append([m.pop()]),
    "APPENDS": lambda m, _: m.append(m.since_mark()),
    "SETITEM": lambda m, _: m.set_items([m.pop(), m.pop()][::-1]),
    "SETITEMS": lambda m, _: m.set_items(m.since_mark()),
    "GLOBAL": lambda m, argument: m.name(*argument.split(" ", 1)),
    "STACK_GLOBAL": lambda m, _: m.name(*[m.pop(), m.pop()][::-1]),
    "BINPUT": lambda m, argument: m.memoize(argument),
    "LONG_BINPUT": lambda m, argument: m.memoize(argument),
    "PUT": lambda m, argument: m.memoize(int(argument)),
    "MEMOIZE": lambda m, _: m.memoize(m.memo_size()),
    "BINGET": lambda m, argument: m.recall(argument),
    "LONG_BINGET": lambda m, argument: m.recall(argument),
    "GET": lambda m, argument: m.recall(int(argument)),
    "REDUCE": lambda m, _: m.reduce(),
    "NEWOBJ": lambda m, _: m.new(),
    "BUILD": lambda m, _: m.build(),
}

_HINT = Message(
    "Do not load it. If you trust its author, ask for a state dict in safetensors; "
    "zoo.load_checkpoint(..., unsafe=True) runs what the file says."
)


def _damaged(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        "The checkpoint {path} cannot be read: {reason}. A file of paddle.save was expected.",
        "Download it again, or save it again with paddle.save(network.state_dict(), path).",
        path=path,
        reason=reason,
    )
