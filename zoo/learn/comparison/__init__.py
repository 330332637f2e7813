"""Models side by side on the same pictures: where they differ, and what each costs."""

from zoo.learn.comparison.compare_models import Compared, PictureCompared, compare_models
from zoo.learn.comparison.contender import Contender, read_contender

__all__ = ["Compared", "Contender", "PictureCompared", "compare_models", "read_contender"]
