"""Networks to export folders. Importing this package imports paddle."""

from zoo.base.host import HOST

with HOST.undisturbed():
    from zoo.learn.export.bundle import export_bundle
    from zoo.learn.export.verify import REQUIRED, Agreement

__all__ = ["REQUIRED", "Agreement", "export_bundle"]
