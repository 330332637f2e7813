"""The worker processes seen from the one that speaks HTTP: the queue, their ends, their memory."""
