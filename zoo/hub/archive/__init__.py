"""Model archives, which may be damaged or hostile: unpacked whole or not at all."""

from zoo.hub.archive.members import ArchiveLimits
from zoo.hub.archive.unpack import unpack

__all__ = ["ArchiveLimits", "unpack"]
