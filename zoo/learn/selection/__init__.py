"""The pictures whose labels would teach a model most."""

from zoo.learn.selection.labelled import Labelled, read_labelled
from zoo.learn.selection.select_pictures import Picked, Selection, select_pictures

__all__ = ["Labelled", "Picked", "Selection", "read_labelled", "select_pictures"]
