"""How well a model does on labelled pictures."""

from zoo.learn.evaluation.evaluate import evaluate
from zoo.learn.evaluation.metrics import Confusion
from zoo.learn.evaluation.outcome import Evaluation

__all__ = ["Confusion", "Evaluation", "evaluate"]
