from zoo.plugin import ModelCard
from zoo.testing import FamilyContract
from zoo_plugin_ocrnet.network import OCRNet


class TestOCRNet(FamilyContract):
    entry_point = "ocrnet"

    def tiny(self, card: ModelCard, num_classes: int) -> OCRNet:
        return OCRNet(num_classes, 3, width=4, channels=16, inner=8, modules=(1, 1, 1))
