"""The user's own dataset: its folder read as training needs it, checked as a whole, and repaired.

    DIR/images/  annotations/  train.txt  val.txt  [test.txt]  labels.txt  [data.yaml]

Lists have `image mask` on every line, relative to DIR. Without lists `images/` and `masks/` or `annotations/` are
enough.
"""

from zoo.learn.data.entries import Fault
from zoo.learn.dataset.dataset import ALL, SPLITS, Dataset, read_dataset

__all__ = ["ALL", "SPLITS", "Dataset", "Fault", "read_dataset"]
