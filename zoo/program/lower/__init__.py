"""Programs of paddle to ONNX operators: one rule an operation, and nothing guessed."""

from zoo.program.lower.translate import lower

__all__ = ["lower"]
