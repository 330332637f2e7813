"""Older programs in the spelling of PIR: other names, and attributes where PIR has inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from zoo.message import Message
from zoo.program.faults import refused_operation
from zoo.program.graph import ELEMENTS, NOTHING, Graph, Operation, TensorType
from zoo.program.lower.spelling import FORMS, Form, holds_types


def modernised(graph: Graph) -> Graph:
    """Returns a program with the operations of PIR; one that has them as it is.

    Raises:
        UnsupportedProgramError: An operation of an older program is not known, or has an input that is not.
    """
    if not any(operation.slots or operation.results for operation in graph.operations):
        return graph
    writer = _Writer(graph)
    for operation in graph.operations:
        writer.add(operation)
    return replace(graph, operations=tuple(writer.operations), types=writer.types)


def _values(operation: Operation) -> Iterator[tuple[int, ...]]:
    yield from (*operation.slots.values(), *operation.results.values())


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.operations: list[Operation] = []
        self.types = dict(graph.types)
        self._path = graph.path
        made = (value for operation in graph.operations for values in _values(operation) for value in values)
        self._last = max((NOTHING, *graph.types, *graph.parameters, *made))

    def add(self, old: Operation) -> None:
        """Writes one operation, and what makes its inputs."""
        form = FORMS.get(old.name)
        if form is None:
            reason = Message("it is none of the {count} that zoo knows", count=len(FORMS))
            raise refused_operation(self._path, old, reason)
        known = " ".join(form.inputs).replace("[]", "").split()
        more = sorted(slot for slot, values in old.slots.items() if values and slot not in known)
        if more:
            raise refused_operation(self._path, old, Message("it has an input {slots:, }", slots=more))
        inputs = [self._input(old, words.split()) for words in form.inputs]
        attributes = self._attributes(old, form)
        name = form.name
        if name == "split" and not attributes.get("num_or_sections"):
            name, inputs = "split_with_num", [inputs[0], inputs[2]]
        if name in _BINARY:
            inputs = self._aligned(old, inputs)
        outputs = [self._outputs(old, slot) for slot in form.outputs.split()]
        flat = tuple(values if isinstance(values, int) else self._new(None) for values in outputs)
        self.operations.append(Operation(name, tuple(inputs), flat, attributes, old.place))
        for vector, values in zip(flat, outputs, strict=True):
            if isinstance(values, tuple):
                self.operations.append(Operation("builtin.split", (vector,), values, {}, old.place))

    def _input(self, old: Operation, words: list[str]) -> int:
        """Returns the first that is given: a tensor, a list of tensors, the numbers of an attribute, or nothing."""
        for word in words:
            slot = word.removesuffix("[]")
            values = old.slots.get(slot, ())
            if word == "-":
                return NOTHING
            if word[0] == "=":
                return self._constant(old, word[1:])
            if values and word.endswith("[]"):
                vector = self._new(None)
                self.operations.append(Operation("builtin.combine", values, (vector,), {}, old.place))
                return vector
            if values:
                return values[0]
        raise refused_operation(self._path, old, Message("it has no input {slots:, }", slots=words))

    def _constant(self, old: Operation, name: str) -> int:
        value = old.attributes.get(name)
        if isinstance(value, float):
            number = self._new(TensorType("float32", (1,)))
            attributes = {"shape": (1,), "value": value, "dtype": "float32"}
            self.operations.append(Operation("full", (), (number,), attributes, old.place))
            return number
        whole = (value,) if isinstance(value, int) else value if isinstance(value, tuple) else ()
        number = self._new(TensorType("int64", (len(whole),)))
        self.operations.append(Operation("full_int_array", (), (number,), {"value": whole}, old.place))
        return number

    def _outputs(self, old: Operation, slot: str) -> int | tuple[int, ...]:
        values = old.results.get(slot.removesuffix("[]"), ())
        if slot.endswith("[]"):
            return values
        return values[0] if values else self._new(None)

    def _attributes(self, old: Operation, form: Form) -> dict[str, Any]:
        found = dict(old.attributes)
        for new, name in form.renamed.items():
            found[new] = old.attributes.get(name)
        for name in filter(holds_types, found):
            number = found[name]
            found[name] = ELEMENTS[number][0] if number in ELEMENTS else number
        if old.name == "split":
            found["num"] = len(old.results.get("Out", ()))
        elif old.name == "batch_norm":
            found["use_global_stats"] = bool(old.attributes.get("is_test") or old.attributes.get("use_global_stats"))
        elif old.name == "fill_constant":
            found["value"] = self._number(old)
        elif old.name == "assign_value":
            found["values"] = next(
                (old.attributes[key] for key in _VALUES if old.attributes.get(key)), old.attributes.get("values", ())
            )
        elif old.name == "dropout":
            found["is_test"] = True
        return found

    def _number(self, old: Operation) -> Any:
        text = old.attributes.get("str_value")
        try:
            return float(text) if text else old.attributes.get("value")
        except ValueError:
            raise refused_operation(
                self._path, old, Message("{name} is {value!r}", name="str_value", value=text)
            ) from None

    def _aligned(self, old: Operation, inputs: list[int]) -> list[int]:
        """Gives the second tensor the axes behind its own that paddle thinks there."""
        axis, kinds = old.attributes.get("axis", -1), [self.types.get(value) for value in inputs]
        if axis == -1 or kinds[0] is None or kinds[1] is None:
            return inputs
        behind = len(kinds[0].shape) - int(axis) - len(kinds[1].shape)
        if behind <= 0:
            return inputs
        sides = (*kinds[1].shape, *[1] * behind)
        axes, wide = self._new(TensorType("int64", (behind,))), self._new(TensorType(kinds[1].dtype, sides))
        numbers = tuple(range(len(kinds[1].shape), len(sides)))
        self.operations.append(Operation("full_int_array", (), (axes,), {"value": numbers}, old.place))
        self.operations.append(Operation("unsqueeze", (inputs[1], axes), (wide,), {}, old.place))
        return [inputs[0], wide]

    def _new(self, kind: TensorType | None) -> int:
        self._last += 1
        if kind is not None:
            self.types[self._last] = kind
        return self._last


_BINARY = frozenset(form.name for name, form in FORMS.items() if name.startswith("elementwise_"))
#: Where numbers of assign_value are, by their type.
_VALUES = ("fp32_values", "int64_values", "int32_values", "bool_values", "fp64_values")
