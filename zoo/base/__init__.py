"""What everything else stands on: files, text, the folder zoo keeps, digests, work ahead. Knows nothing of models."""
