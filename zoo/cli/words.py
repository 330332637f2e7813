"""Words of data that people read too: they are the same in JSON everywhere, and translated in tables and lists."""

from __future__ import annotations

from zoo.message import Message

WORDS = (
    # States of a model, of its files, of a plugin, of what the doctor looked at.
    Message("installed"),
    Message("not installed"),
    Message("name clash"),
    Message("plugin broken"),
    Message("plugin disabled"),
    Message("part of its plugin"),
    Message("to download"),
    Message("here"),
    Message("already here"),
    Message("disabled"),
    Message("ok"),
    Message("note"),
    Message("problem"),
    Message("unknown"),
    # What an engine is worth for a model.
    Message("proven"),
    Message("unproven"),
    Message("refused"),
    Message("unusable"),
    # What the doctor looks at.
    Message("system"),
    Message("packages"),
    Message("plugins"),
    Message("engines"),
    Message("devices"),
    Message("cache"),
    Message("settings"),
    Message("platform"),
    Message("cores"),
    Message("memory"),
    Message("folder"),
    Message("size"),
    Message("disk"),
    Message("catalogue"),
    # Stages of a prediction, and how a figure was measured.
    Message("load"),
    Message("read"),
    Message("preprocess"),
    Message("inference"),
    Message("postprocess"),
    Message("transfer"),
    Message("slide"),
    # What results are the rest of: pixels of no class, and the means over all classes.
    Message("accuracy"),
)
