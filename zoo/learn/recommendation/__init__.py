"""Which of the models there are suits one's own pictures on this machine."""

from zoo.learn.recommendation.limits import Demands
from zoo.learn.recommendation.recommend import Recommendation, Suggested, recommend

__all__ = ["Demands", "Recommendation", "Suggested", "recommend"]
