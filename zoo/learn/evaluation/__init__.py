"""How well a model does on labelled pictures."""

from zoo.learn.evaluation.evaluate import evaluate
from zoo.learn.evaluation.metrics import Confusion

__all__ = ["Confusion", "evaluate"]
