"""Building blocks that several network families share. Importing this package imports paddle."""

from zoo.base.host import HOST

with HOST.undisturbed():
    from zoo.nn.blocks import ConvBN, DropPath, fan_out_normal
    from zoo.nn.resample import max_over_channels, pool_to_bins, upsample_like

__all__ = ["ConvBN", "DropPath", "fan_out_normal", "max_over_channels", "pool_to_bins", "upsample_like"]
