"""A program as a graph of ONNX operators."""

from __future__ import annotations

from zoo.message import Message
from zoo.program.graph import Graph, Operation
from zoo.program.lower.builder import Builder
from zoo.program.lower.call import Call, Rule
from zoo.program.lower.channels_first import keep_first
from zoo.program.lower.modern import modernised
from zoo.program.lower.operations import OPERATIONS
from zoo.program.onnx_graph import OnnxGraph


def lower(graph: Graph, *, channels_first: bool = False) -> OnnxGraph:
    """Translates a program. The graph computes in the same types but for whole numbers, which are int64 inside.

    Args:
        graph: A program with its parameters.
        channels_first: Tensors that the program keeps as (N, H, W, C) stay (N, C, H, W). SegFormer runs 1.3 times
            faster in OpenVINO where sizes are known only when it runs, and 0.88 times as fast in onnxruntime.

    Raises:
        UnsupportedProgramError: The first operation, or value of an attribute, that has no translation.
    """
    graph = modernised(graph)
    builder, last = Builder(graph), _last_uses(graph)
    for index, operation in enumerate(graph.operations):
        call = Call(builder, operation)
        rule = _rule(call, written_later=bool(operation.inputs) and last[operation.inputs[0]] > index)
        try:
            if channels_first and keep_first(call):
                continue
            made = rule(call)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            # Numbers that paddle would not have written, such as a size beyond 64 bits.
            raise call.refuse(Message("its attributes make no sense: {type}", type=type(error).__name__)) from error
        if made is not None:
            values = (made,) if isinstance(made, str) else made
            builder.values.update(zip(operation.outputs, values, strict=False))
    if not builder.outputs:
        raise Call(builder, Operation("fetch", (), (), {})).refuse(Message("the program returns nothing"))
    return builder.build()


def _rule(call: Call, written_later: bool) -> Rule:
    name = call.operation.name
    rule = OPERATIONS.get(name)
    if rule is None and name.endswith("_"):
        # An operation in place is the same where nobody reads what it has overwritten.
        rule = OPERATIONS.get(name[:-1])
        if rule is not None and written_later:
            raise call.refuse(Message("what it overwrites is read afterwards"))
    if rule is None:
        raise call.refuse(Message("it is none of the {count} that zoo knows", count=len(OPERATIONS)))
    return rule


def _last_uses(graph: Graph) -> dict[int, int]:
    """Returns by value which operation is the last to read it."""
    return {value: index for index, operation in enumerate(graph.operations) for value in operation.inputs}
