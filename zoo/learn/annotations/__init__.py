"""Annotations of other tools brought to a dataset folder, and a dataset folder split."""

from zoo.learn.annotations.conversion import FORMS, Converted, convert_annotations
from zoo.learn.annotations.dataset_folder import conversion_figures
from zoo.learn.annotations.splitting.split import Split, split_dataset, split_figures
from zoo.learn.annotations.wishes import Wishes, read_wishes

__all__ = [
    "FORMS",
    "Converted",
    "Split",
    "Wishes",
    "conversion_figures",
    "convert_annotations",
    "read_wishes",
    "split_dataset",
    "split_figures",
]
