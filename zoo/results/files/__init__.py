"""Results as files: where they go, how they are written, and what an earlier run has left."""
