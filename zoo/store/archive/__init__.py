"""Model archives, which may be damaged or hostile: unpacked whole or not at all."""

from zoo.store.archive.members import ArchiveLimits
from zoo.store.archive.unpack import unpack

__all__ = ["ArchiveLimits", "unpack"]
