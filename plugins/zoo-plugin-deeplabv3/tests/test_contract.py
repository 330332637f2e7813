from zoo.plugin import ModelCard
from zoo.testing import FamilyContract
from zoo_plugin_deeplabv3.network import DeepLabV3


class TestDeeplabv3(FamilyContract):
    entry_point = "deeplabv3"

    def tiny(self, card: ModelCard, num_classes: int) -> DeepLabV3:
        return DeepLabV3(num_classes, 3, blocks=(1, 1, 1, 3), plus="Plus" in card.name)
