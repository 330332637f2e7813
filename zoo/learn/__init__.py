"""Networks and data: checkpoints, training, evaluation, export."""
