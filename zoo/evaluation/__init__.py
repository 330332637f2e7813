"""How well a model does on labelled pictures."""

from zoo.evaluation.evaluate import evaluate
from zoo.evaluation.metrics import Confusion

__all__ = ["Confusion", "evaluate"]
