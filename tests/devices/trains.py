"""Trains a small network on the device of this process, as a trainer of zoo does.

trains.py FOLDER DEVICE...
"""

import sys
from pathlib import Path

import numpy as np
import paddle
from paddle.nn import functional as F

from support import small_network
from zoo.learn.place import own_device

device = own_device(sys.argv[2:])
paddle.set_device(device)
network = small_network(7)
optimizer = paddle.optimizer.Momentum(0.01, parameters=network.parameters())
rng = np.random.default_rng(0)
losses: list[float] = []
for _ in range(3):
    batch = paddle.to_tensor(rng.standard_normal((2, 3, 64, 64)).astype(np.float32))
    mask = paddle.to_tensor(rng.integers(0, 7, (2, 64, 64)))
    logits = F.interpolate(network(batch)[0], size=(64, 64), mode="bilinear")
    loss = F.cross_entropy(logits, mask, axis=1)
    loss.backward()
    optimizer.step()
    optimizer.clear_grad()
    losses.append(loss.item())
(Path(sys.argv[1]) / f"{device.replace(':', '')}.txt").write_text(" ".join(f"{loss:.5f}" for loss in losses))
