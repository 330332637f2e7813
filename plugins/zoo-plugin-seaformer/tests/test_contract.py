from zoo.plugin import ModelCard
from zoo.testing import FamilyContract
from zoo_plugin_seaformer.network import SeaFormer, Variant

_TINY = Variant(
    stem=8,
    stages=(
        ((3, 1, 8, 1), (3, 2, 8, 2)),
        ((5, 2, 16, 2),),
        ((3, 2, 16, 2),),
        ((5, 2, 24, 2),),
        ((3, 2, 32, 2),),
    ),
    depths=(1, 1),
    heads=2,
    key_dims=(4, 8),
    mlp_ratios=(2, 2),
    fused=(16, 24),
)


class TestSeaFormer(FamilyContract):
    entry_point = "seaformer"

    def tiny(self, card: ModelCard, num_classes: int) -> SeaFormer:
        return SeaFormer(num_classes, 3, _TINY)
