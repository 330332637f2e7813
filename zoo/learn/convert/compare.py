"""A program in another format held against the one it was made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.bundle.golden import read_golden
from zoo.contract.engine import Program
from zoo.engine.candidate import Candidate
from zoo.engine.device import available_cores
from zoo.engine.open import candidates
from zoo.engine.samples import smooth_noise, trial_shapes
from zoo.errors import BackendError, ExportError
from zoo.message import Message
from zoo.proof.agreement import LEAST, agreement
from zoo.proof.measure import measure

_REPORT = Message("Report it with the name of the model and the versions of zoo and of the library.")


@dataclass(frozen=True, slots=True)
class Checked:
    """How far a converted program gives the classes of the original.

    Attributes:
        file: Name of the converted program.
        pixels: How many were compared.
        share: How many of them have the same class, or another that is as good by the original's logits; 0 to 1, the
            least of all inputs.
        library: What ran it, with its version; empty where onnxruntime is not installed.
        references: What the original's classes are from: "golden", or the library that ran it with its version.
        cautions: What else a user of the program must know, a sentence each.
        unrun: Whether its format is of a library that is not in Python here.
    """

    file: str
    pixels: int
    share: float
    library: str
    references: tuple[str, ...]
    cautions: tuple[Message, ...] = ()
    unrun: bool = False

    @property
    def notes(self) -> tuple[Message, ...]:
        """Everything that is said of it, a sentence each."""
        return self.said, *self.cautions

    @property
    def said(self) -> Message:
        """A sentence for people."""
        if not self.library:
            return Message("{file} was not checked: onnxruntime is not installed", file=self.file)
        if self.unrun:
            return Message("{file} was not checked: nothing here runs it", file=self.file)
        if not self.references:
            return Message(
                "{file} was not checked: the folder has no golden, and no paddle here runs its program", file=self.file
            )
        return Message(
            "{file}: {share:.4%} of {pixels} pixels get the same class in {library} as by {references:, }",
            file=self.file,
            share=self.share,
            pixels=self.pixels,
            library=self.library,
            references=list(self.references),
        )


def check_converted(
    bundle: Bundle,
    file: str,
    run: Callable[[list[NDArray[np.float32]]], Sequence[NDArray[Any]]],
    library: str,
    size: tuple[int, int] | None = None,
    half: bool = False,
) -> Checked:
    """Compares a converted program with the golden of its folder, and with paddle where that is installed.

    Args:
        bundle: The folder with the original.
        file: Name of the converted program.
        run: Runs it on batches (N, C, H, W) float32 and returns the first output for each.
        library: What does that, with its version.
        size: The only (height, width) that it takes.
        half: Whether its weights are in float16.

    Raises:
        ExportError: Its classes are others.
        BundleError: The golden is damaged.
        ZooError: What `run` raises.
    """
    program = bundle.verify()
    references = list(_references(program, size))
    least = LEAST["bf16" if half else "float32"]
    share, pixels = 1.0, 0
    names = list(dict.fromkeys(name for name, _, _ in references))
    found = run([batch for _, batch, _ in references])
    for output, (_, batch, expected) in zip(found, references, strict=True):
        share = min(share, agreement(output, expected, program.output_stride, program.threshold))
        pixels += len(batch) * batch.shape[2] * batch.shape[3]
    if share < least:
        raise ExportError(
            "{file} gives {share:.4%} of the pixels in {library} the class that they have by {references:, }. At least "
            "{least:.2%} were expected.",
            _REPORT,
            file=file,
            share=share,
            library=library,
            references=names,
            least=least,
        )
    return Checked(file, pixels, share, library, tuple(names))


def _references(
    program: Program, size: tuple[int, int] | None
) -> Iterator[tuple[str, NDArray[np.float32], NDArray[Any]]]:
    """Yields what the classes are from, an input, and the original's output for it."""
    golden = None if program.golden is None else read_golden(program.golden)
    if golden is not None and size in (None, golden.batch.shape[2:]):
        yield "golden", golden.batch, golden.output
    original = _original(program)
    if original is None:
        return
    rng = np.random.default_rng(0)
    declared = program.input_shape
    if size is not None:
        declared = (-1, declared[1] if declared else -1, *size)
    batches = [smooth_noise(rng, shape) for shape in trial_shapes(declared)]
    # In a process of its own, which a program may end. One that cannot be run there is no reference.
    outputs = measure(program, original, batches, available_cores()).outputs
    for batch, output in zip(batches, outputs, strict=False):
        yield ", ".join(original.libraries), batch, output


def _original(program: Program) -> Candidate | None:
    """Returns the engine of the library that programs are written by; None where it is not here."""
    try:
        return next((candidate for candidate in candidates(program) if candidate.backend.reference), None)
    except BackendError:
        return None
