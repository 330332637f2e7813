"""From a run to a model: exported to give away, or inside its own folder."""
