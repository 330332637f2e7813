"""Wheels as a user installs them: built, put into an empty environment, used outside the source tree.

    python tests/wheels.py

Needs the package index. Only the standard library is used, so that any Python can run it. Ends with 1 at the first
command that does not do what the README says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
LARGEST_STARTER = 16_000_000


def main() -> None:
    """Builds, installs, uses."""
    with tempfile.TemporaryDirectory(prefix="zoo-wheels-") as name:
        folder = Path(name)
        wheels, work, environment = folder / "wheels", folder / "work", folder / "environment"
        work.mkdir()
        parts = [TREE, *sorted((TREE / "plugins").iterdir())]
        run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", wheels, *parts)
        look_inside(wheels)
        venv.create(environment, with_pip=True)
        python, zoo = environment / "bin" / "python", environment / "bin" / "zoo"
        # By path: by name an index could answer with somebody else's distribution.
        [core] = wheels.glob("zoo_core-*.whl")
        # The core comes first: pip looks for what it has not met yet in the index.
        plugins = [*wheels.glob("zoo_plugin_*.whl"), *wheels.glob("zoo_device_*.whl")]
        run(python, "-m", "pip", "install", "-q", f"{core}[cpu]", *plugins, cwd=work)
        use(python, zoo, work, folder / "home")
        for engine in ("onnxruntime", "openvino"):
            without_paddle(engine, core, wheels, folder / engine)
    print("wheels: all commands did what the README says")


def look_inside(wheels: Path) -> None:
    """Checks what the wheels hold."""
    [core] = wheels.glob("zoo_core-*.whl")
    [starter] = wheels.glob("zoo_plugin_starter-*.whl")
    names = zipfile.ZipFile(core).namelist()
    expect("zoo/registry.yaml" in names, "the catalogue is in the core's wheel")
    expect("zoo/results/result.schema.json" in names, "the schema is in the core's wheel")
    expect("zoo/predict/pipeline/semantic_segmentation.yaml" in names, "the pipeline file is in the core's wheel")
    names = zipfile.ZipFile(starter).namelist()
    expect(any(name.endswith("NOTICE") for name in names), "the starter's wheel has its NOTICE")
    expect(starter.stat().st_size < LARGEST_STARTER, f"the starter's wheel has {starter.stat().st_size} bytes")


def use(python: Path, zoo: Path, work: Path, home: Path) -> None:
    """Runs the commands of the README."""
    environment = {**os.environ, "ZOO_HOME": str(home)}
    environment.pop("PYTHONPATH", None)
    shutil.copy(TREE / "docs" / "street.jpg", work)
    listed = run(zoo, "list-models", cwd=work, env=environment)
    expect(
        "starter" in listed and "inside its plugin" in listed and "PP-LiteSeg-T" in listed,
        "list-models shows the models",
    )
    predicted = run(zoo, "predict", "street.jpg", "--save-path", "out/", cwd=work, env=environment)
    expect("road" in predicted, "predict finds a road")
    saved = {path.name for path in (work / "out").iterdir()}
    expect(saved == {"street_overlay.png", "street_mask.png", "street.json"}, f"predict saved {sorted(saved)}")
    code = "import zoo; print(zoo.load('starter').predict('street.jpg').one().areas())"
    expect("'road'" in run(python, "-W", "error::ResourceWarning", "-c", code, cwd=work, env=environment), "Python too")
    wrong = subprocess.run([zoo, "predict", "gone.jpg"], cwd=work, env=environment, capture_output=True, check=False)
    expect(wrong.returncode == 1 and len(wrong.stderr.splitlines()) == 2, "a missing file is two lines and exit 1")
    kinds = run(zoo, "devices", cwd=work, env=environment)
    expect(all(kind in kinds for kind in ("cpu", "gpu", "npu", "xpu", "mlu")), "devices shows the kinds")
    words = [zoo, "predict", "street.jpg", "--device"]
    wrong = subprocess.run([*words, "npu:0"], cwd=work, env=environment, capture_output=True, text=True, check=False)
    expect(
        (wrong.returncode, wrong.stdout) == (1, "") and wrong.stderr.startswith("The device npu:0 cannot be used: "),
        f"a device that is not there is an error, not a run on the processor: {wrong.stderr}",
    )
    expect('"device": "cpu"' in run(*words, "auto", "--json", cwd=work, env=environment), "auto is the processor here")


def without_paddle(engine: str, core: Path, wheels: Path, folder: Path) -> None:
    """One engine and the starter model are enough."""
    venv.create(folder, with_pip=True)
    parts = [core, *wheels.glob("zoo_plugin_starter-*.whl"), *wheels.glob(f"zoo_backend_{engine}-*.whl")]
    run(folder / "bin" / "python", "-m", "pip", "install", "-q", *parts)
    environment = {**os.environ, "ZOO_HOME": str(folder / "home")}
    environment.pop("PYTHONPATH", None)
    words = "predict", TREE / "docs" / "street.jpg", "--json"
    predicted = run(folder / "bin" / "zoo", *words, cwd=folder, env=environment)
    expect('"road"' in predicted and f'"{engine} ' in predicted, f"{engine} finds a road without paddle")


def run(*command: object, **options: object) -> str:
    """Runs a command, shows it and what it printed, and returns its output."""
    words = [str(word) for word in command]
    print("$", " ".join([Path(words[0]).name, *words[1:]]), flush=True)
    ended = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False, **options)
    print(ended.stdout, end="", flush=True)
    if ended.returncode:
        raise SystemExit(f"exit status {ended.returncode}")
    return ended.stdout


def expect(true: bool, what: str) -> None:
    """Ends the run unless something holds."""
    if not true:
        raise SystemExit(f"not so: {what}")


if __name__ == "__main__":
    main()
