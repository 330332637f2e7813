"""Several sessions of one program at the same time: in threads, or in processes."""
