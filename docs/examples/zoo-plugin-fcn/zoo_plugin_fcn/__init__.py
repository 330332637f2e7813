"""A whole family plugin: one card and the place of its network."""

from zoo.plugin import VOC, Artifact, Family, ModelCard, hookimpl

CARD = ModelCard(
    name="FCN-Tiny",
    summary="Three strided convolutions and a classifier, to show what a plugin needs.",
    labels=VOC,
    dataset="voc",
    license="Apache-2.0",
    weights=Artifact(("https://example.com/FCN-Tiny_infer.tar",)),
    network_stride=8,
)


@hookimpl
def zoo_families() -> list[Family]:
    """Returns the families of this plugin."""
    return [Family("fcn", "FCN", cards=(CARD,), network="zoo_plugin_fcn.network:build", api=1)]
