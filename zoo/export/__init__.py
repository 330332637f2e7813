"""Networks to export folders. Importing this package imports paddle."""

from zoo.export.bundle import export_bundle

__all__ = ["export_bundle"]
