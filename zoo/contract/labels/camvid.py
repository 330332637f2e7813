"""The 11 classes of CamVid as the SegNet tutorial numbers and colours them."""

from zoo.contract.labels.label_set import LabelSet

_CLASSES = (
    ("sky", (128, 128, 128)),
    ("building", (128, 0, 0)),
    ("pole", (192, 192, 128)),
    ("road", (128, 64, 128)),
    ("pavement", (60, 40, 222)),
    ("tree", (128, 128, 0)),
    ("sign_symbol", (192, 128, 128)),
    ("fence", (64, 64, 128)),
    ("car", (64, 0, 128)),
    ("pedestrian", (64, 64, 0)),
    ("bicyclist", (0, 128, 192)),
)

CAMVID = LabelSet("camvid", tuple(name for name, _ in _CLASSES), tuple(color for _, color in _CLASSES))
