"""Clusters that are joined, begun, lost: each test has its own."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scenes import draw_scene
from support import run_python
from zoo.errors import ClusterError

pytest.importorskip("ray", reason="Ray is not installed: make test-cluster")

pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("ignore"), pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(24):
        Image.fromarray(draw_scene(number, 96, 128).image).save(folder / f"{number:02d}.png")
    return folder


def test_a_command_begins_a_cluster_and_leaves_nothing(pictures: Path, tmp_path: Path, zoo_home: object) -> None:
    options = ["--threads", "1", "--backend", "onnxruntime", "--save", "mask"]
    one = run_python("zoo", "predict", pictures, *options, "-o", tmp_path / "one")
    home = tmp_path / "home"
    home.mkdir()
    many = run_python(
        "zoo", "predict", pictures, "--cluster", "auto", *options, "-o", tmp_path / "many", HOME=str(home)
    )
    assert many.returncode == 0, many.stderr
    assert "a cluster of this machine alone" in many.stderr
    assert "24 segmented" in many.stderr
    assert sorted(many.stdout.replace("many", "one").splitlines()) == sorted(one.stdout.splitlines())
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "many" / path.name).read_bytes()
    assert len(list((tmp_path / "many").iterdir())) == 24
    assert not (home / ".ray").exists()


def test_a_killed_node_changes_nothing(pictures: Path, tmp_path: Path, zoo_home: object) -> None:
    import ray
    from ray.cluster_utils import Cluster

    from zoo.distributed import predict

    os.environ.update(
        ZOO_OFFLINE="1",
        RAY_USAGE_STATS_ENABLED="0",
        RAY_AUTH_TOKEN="0" * 64,
        PYTHONPATH=os.pathsep.join(path for path in sys.path if path),
    )
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100 << 20})
    try:
        node = cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
        cluster.wait_for_nodes()
        predictions = predict(
            str(pictures),
            cluster=cluster.address,
            save_path=tmp_path,
            save_kinds=("mask",),
            part_size=1,
            threads=1,
        )
        names = [next(predictions).name]
        assert predictions.cluster is not None
        assert predictions.cluster.nodes == 2
        cluster.remove_node(node, allow_graceful=False)
        names += [one.name for one in predictions]
        assert sorted(names) == [f"{number:02d}" for number in range(24)]
        assert predictions.failures == ()
        assert len(list(tmp_path.glob("*_mask.png"))) == 24
    finally:
        if ray.is_initialized():
            ray.shutdown()
        cluster.shutdown()


def test_no_cluster_at_an_address_is_said() -> None:
    from zoo.distributed.cluster import connected

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with pytest.raises(ClusterError, match="No cluster answers"), connected(f"127.0.0.1:{port}"):
            pass
    with pytest.raises(ClusterError, match="Ray Client"), connected("ray://127.0.0.1:10001"):
        pass


def test_without_ray_the_command_says_what_is_missing(tmp_path: Path, zoo_home: Any) -> None:
    (tmp_path / "ray.py").write_text("raise ImportError('none here')")
    Image.fromarray(draw_scene(1, 64, 64).image).save(tmp_path / "a.png")
    found = run_python(
        "zoo", "predict", tmp_path / "a.png", "--cluster", "auto", "-o", tmp_path / "out", first=str(tmp_path)
    )
    assert found.returncode == 1
    assert "Many machines need Ray" in found.stderr
    assert 'pip install "ray[data,serve]' in found.stderr
