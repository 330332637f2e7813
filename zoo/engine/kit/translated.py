"""A program as an ONNX file, whatever its format."""

from __future__ import annotations

from zoo.contract.engine import Program

#: Formats of programs that `as_onnx` takes.
FORMATS = (".json", ".pdmodel", ".onnx")


def as_onnx(program: Program, *, channels_first: bool = False) -> bytes:
    """Returns a program as an ONNX file with its weights inside (opset 17). A program of paddle is translated.

    Args:
        program: The program. Of an ONNX file that keeps weights beside it, only the file itself was checked, and only
            that is returned.
        channels_first: As in `zoo.program.lower`.

    Raises:
        BundleError: The program cannot be read, is damaged, or has an operation without a translation.
    """
    if program.path.suffix == ".onnx":
        return program.path.read_bytes()
    # Reading and translating is not needed where the outcome is kept.
    from zoo.program import onnx_bytes, read_program
    from zoo.program.lower import lower

    return onnx_bytes(lower(read_program(program.path, program.params), channels_first=channels_first))
