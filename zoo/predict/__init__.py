"""A loaded model and its runs: options, batches, pipelines, pictures too large for memory."""
