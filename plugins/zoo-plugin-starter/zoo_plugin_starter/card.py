"""The card of the starter model; its figures were measured with the commands they name."""

from zoo.plugin import CAMVID, Embedded, ModelCard, Normalize, ResizeLong

STARTER = ModelCard(
    name="starter",
    summary="Street scenes in 11 classes: a half-width PP-LiteSeg that works right after the installation.",
    labels=CAMVID,
    dataset="camvid",
    license=(
        "CC BY-NC 4.0: the weights were trained on CamVid (personal and research use only) and carry its terms; see "
        "NOTICE in the distribution. The code is Apache-2.0."
    ),
    weights=Embedded("zoo_plugin_starter", "bundle"),
    preprocess=(ResizeLong(640), Normalize()),
    output_stride=8,
)
