"""The card of the starter model; its figures were measured with the command they name."""

from zoo.plugin import CAMVID, Embedded, Metric, ModelCard, Normalize, Pad, ResizeLong

_IOU = (0.8915, 0.7439, 0.1698, 0.9276, 0.7617, 0.6958, 0.2564, 0.2961, 0.7553, 0.3660, 0.4503)

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
    preprocess=(ResizeLong(640), Pad(32), Normalize()),
    output_stride=8,
    network_stride=32,
    metrics=(
        Metric(
            "mIoU",
            0.5740,
            "camvid test, 193 of its 233 pictures",
            source="zoo evaluate starter --data CAMVID/test.txt (paddlepaddle 3.2.2, CPU)",
            conditions="480x360 pictures resized to 640x480, single scale, no flip, masks at 480x360",
            per_class=tuple(zip(CAMVID.names, _IOU, strict=True)),
        ),
    ),
    parameters=2_089_680,
    gmac=3.19,
    listed_size=17_200_000,
    paper="PP-LiteSeg: A Superior Real-Time Semantic Segmentation Model, arXiv:2204.02681",
    notes=(
        "Trained from random weights in three stages: 3,200 iterations of 8 crops on the 367 training pictures of "
        "CamVid and 320 drawn street scenes, and twice 2,200 on CamVid alone by `zoo train`; see docs/training.md.",
        "The test list here has 193 of the 233 pictures of the usual split, and 480x360 pictures instead of 960x720: "
        "the figure cannot be compared with published ones.",
        "Thin and rare things (poles, signs, fences, pedestrians, bicyclists) are found poorly; see the IoU of each.",
    ),
    self_test=Embedded("zoo_plugin_starter", "self_test"),
)
