"""Programs for the runtimes of phones and boards, each compared in the Python package of its runtime."""

from zoo.learn.convert.edge.add import add_mnn, add_ncnn
from zoo.learn.convert.edge.paddle_lite import add_paddle_lite

__all__ = ["add_mnn", "add_ncnn", "add_paddle_lite"]
