"""Engines are held against a reference before they are used; the fastest of those that agree is taken."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from other_engine import Install

import zoo
from support import zoo_process
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.bundle.golden import read_golden
from zoo.engine.open import candidates
from zoo.proof.agreement import agreement
from zoo.proof.choice import choose_engine, proofs, refusal
from zoo.proof.measure import prove, subject_of
from zoo.proof.record import kept_proof


@pytest.fixture
def unproven(bundle: Bundle, tmp_path: Path) -> Path:
    """An export without a golden, as others write them."""
    folder = tmp_path / "unproven"
    shutil.copytree(bundle.folder, folder)
    (folder / "golden.npz").unlink()
    settings = folder / "inference.yml"
    document = yaml.safe_load(settings.read_text())
    del document["zoo"]["golden"], document["zoo"]["sha256"]["golden.npz"]
    settings.write_text(yaml.safe_dump(document))
    return folder


def test_an_export_carries_what_the_network_makes_of_a_picture(bundle: Bundle) -> None:
    program = bundle.verify()
    assert program.golden is not None
    golden = read_golden(program.golden)
    assert golden.batch.dtype == np.float32
    assert len(golden.batch) == len(golden.output) == 1
    # A gigabyte of this process is none of the engine's.
    held = np.ones(1 << 27)
    [proof] = prove(program, candidates(program, engine="paddle"), [], threads=1)
    assert (proof.reference, proof.agreement, proof.fault) == ("golden", 1.0, "")
    assert 0 < proof.seconds < proof.opening
    assert 1 << 20 < proof.memory < held.nbytes


def test_the_fastest_engine_that_agrees_is_taken_and_says_why(install: Install, bundle: Bundle) -> None:
    install(sleep=5.0)
    with zoo.load(bundle.folder, threads=1) as model:
        assert model.engine.startswith("paddle ")
        assert model.why == "the fastest of 2 that are proven here; 100.000% of the pixels as golden"


def test_an_engine_is_proven_once_for_a_version(install: Install, bundle: Bundle, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    install(opening=f"open({str(opened)!r}, 'a').write('x')")
    for _ in range(2):
        choose_engine(bundle.verify(), engine="other")
    assert opened.read_text() == "x"


def test_an_engine_that_gives_other_masks_is_refused_with_the_number(
    install: Install, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    install(change="output[..., :2] = output[:, ::-1, :, :2]")
    with pytest.raises(zoo.BackendError, match=r"other: \d+\.\d+% of the pixels have the class that golden gives them"):
        zoo.load(bundle.folder, backend="other", threads=1)
    with caplog.at_level(logging.WARNING), zoo.load(bundle.folder, threads=1) as model:
        assert model.engine.startswith("paddle ")
        assert model.why.startswith("the only one that is proven here")
    assert any("not used: other: " in record.getMessage() for record in caplog.records)


def test_an_engine_that_crashes_is_not_opened_here(install: Install, bundle: Bundle) -> None:
    install(opening="import os; os.abort()")
    with pytest.raises(zoo.BackendError, match=r"in a process of its own, ended by SIGABRT\."):
        zoo.load(bundle.folder, backend="other", threads=1)
    with zoo.load(bundle.folder, threads=1) as model:
        assert model.engine.startswith("paddle ")


def test_what_engines_say_is_joined_to_one_sentence(install: Install, bundle: Bundle) -> None:
    install(opening="import zoo; raise zoo.BackendError('It is broken.', 'Mend it')")
    program = bundle.verify()
    [proof] = proofs(program, candidates(program, "cpu", "other"), "cpu", 1)
    reason = refusal(proof, 0.9)
    assert reason is not None
    assert reason.endswith(": It is broken")


@pytest.mark.full
def test_without_a_golden_the_library_that_wrote_the_program_is_the_reference(install: Install, unproven: Path) -> None:
    install()
    with zoo.load(unproven, backend="other", threads=1) as model:
        assert model.engine == "other 1.0"
        assert model.why.startswith("asked for; 100.000% of the pixels as paddle ")


@pytest.mark.full
def test_what_could_be_compared_with_nothing_is_proven_when_there_is_something(
    install: Install, unproven: Path
) -> None:
    install(change="output[..., :2] = output[:, ::-1, :, :2]")
    program = read_bundle(unproven).verify()
    [wrong] = candidates(program, engine="other")
    with pytest.raises(zoo.BackendError, match="have the class that paddle"):
        choose_engine(program, engine="other")
    proof = kept_proof(subject_of(program, wrong))
    assert proof is not None
    replace(proof, reference="", agreement=1.0).keep()
    assert choose_engine(program).candidate.backend.name == "paddle"
    with pytest.raises(zoo.BackendError, match="have the class that paddle"):
        choose_engine(program, engine="other")


@pytest.mark.full
def test_a_proof_with_a_share_that_is_none_is_made_again(install: Install, bundle: Bundle) -> None:
    install()
    program = bundle.verify()
    [item] = candidates(program, engine="other")
    choose_engine(program, engine="other")
    subject = subject_of(program, item)
    document = json.loads(subject.record().read_text())
    subject.record().write_text(json.dumps(document | {"agreement": 7.0}))
    assert kept_proof(subject) is None
    assert choose_engine(program, engine="other").why == "asked for; 100.000% of the pixels as golden"


def test_other_precisions_are_asked_for_and_may_differ_in_some_pixels(install: Install, bundle: Bundle) -> None:
    install(change="output = output.copy(); output[..., 0, 0] = output[:, ::-1, 0, 0]")
    with zoo.load(bundle.folder, precision="bf16", threads=1) as model:
        assert model.engine == "other 1.0, bf16"
        result = model.predict(np.zeros((40, 56, 3), np.uint8)).one()
        assert (result.engine, result.precision, result.why) == (model.engine, "bf16", model.why)
        assert result.why.startswith("the only one that is proven here; 99.")
    with pytest.raises(zoo.BackendError, match="other: 99"):
        zoo.load(bundle.folder, backend="other", threads=1)
    with pytest.raises(zoo.BackendError, match="it computes in float32 and not in bf16"):
        zoo.load(bundle.folder, backend="paddle", precision="bf16", threads=1)


def test_a_damaged_golden_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(bundle.folder, folder)
    (folder / "golden.npz").write_bytes(b"PK nothing")
    with pytest.raises(zoo.BundleError, match=r"golden.npz has sha256"):
        read_bundle(folder).verify()
    with pytest.raises(zoo.BundleError, match=r"golden.npz is damaged, or no golden"):
        read_golden(folder / "golden.npz")


def test_a_proof_that_was_edited_is_made_again(install: Install, bundle: Bundle) -> None:
    install()
    program = bundle.verify()
    choose_engine(program, engine="other")
    [candidate] = candidates(program, engine="other")
    subject = subject_of(program, candidate)
    assert kept_proof(subject) is not None
    subject.record().write_text(json.dumps({"agreement": "all"}))
    assert kept_proof(subject) is None
    assert kept_proof(replace(subject, processor="another")) is None


def test_agreement_counts_pixels_of_the_mask_and_takes_ties_as_equal() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 4, 6, 7)).astype(np.float32)
    assert agreement(logits, logits, 8) == 1.0
    assert agreement(logits + rng.normal(0, 1e-6, logits.shape), logits, 8) == 1.0
    tied = logits.copy()
    tied[:, 1] = tied[:, 0]
    nudged = tied + rng.normal(0, 1e-6, tied.shape)
    assert agreement(nudged, tied, 8) == 1.0
    other = logits.copy()
    other[0, :, :3] = other[0, ::-1, :3]
    assert 0.5 < agreement(other, logits, 8) < 0.9
    assert agreement(logits[:, :, 1:], logits, 8) == 0.0
    labels = np.arange(100).reshape(1, 10, 10)
    assert agreement(np.where(labels < 5, 99, labels), labels, 1) == 0.95


def test_the_one_logit_of_two_classes_is_compared_by_its_sign() -> None:
    logits = np.array([[[[1.0, -1.0], [2.0, -3.0]]]], np.float32)
    assert agreement(logits, logits, 1) == 1.0
    assert agreement(-logits, logits, 1) == 0.0
    # A probability is cut at a half.
    assert agreement(1 / (1 + np.exp(logits)), 1 / (1 + np.exp(-logits)), 1, threshold=0.5) == 0.0


@pytest.mark.full
def test_what_is_proven_here_is_shown_with_the_model(
    install: Install, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    # Not `home`, into which what other tests have proven may be copied.
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "elsewhere"))
    said = zoo_process("info", bundle.folder).stdout
    assert "Engines" not in said
    zoo.load(bundle.folder, threads=1).close()
    shown = [line.split("  ")[-1].strip() for line in zoo_process("info", bundle.folder).stdout.splitlines()]
    proven = [line for line in shown if line.endswith("100.000% of the pixels as golden")]
    assert sorted(line.partition(" ")[0] for line in proven) == ["paddle", "paddle"]
    document = json.loads(zoo_process("info", bundle.folder, "--json").stdout)
    assert {engine["subject"]["engine"] for engine in document["engines"]} == {"paddle", "other"}


def examined(*words: object, code: int = 0) -> dict[str, dict[str, Any]]:
    """What `zoo doctor MODEL` says of the engines."""
    ended = zoo_process("doctor", *words, "--json")
    assert ended.returncode == code, ended.stderr
    return {state["engine"]: state for state in json.loads(ended.stdout)["engines"]}


@pytest.mark.full
def test_the_doctor_says_of_each_engine_whether_it_is_proven_for_a_model(install: Install, bundle: Bundle) -> None:
    install(change="output[..., :2] = output[:, ::-1, :, :2]")
    states = examined(bundle.folder)
    assert set(states) == {"paddle", "other"}
    paddle, other = states["paddle"], states["other"]
    assert (paddle["verdict"], paddle["agreement"], paddle["reference"], paddle["reason"]) == (
        "proven",
        1.0,
        "golden",
        "",
    )
    assert "thread" in paddle["setting"]
    assert paddle["milliseconds"] > 0
    assert (other["verdict"], other["reference"]) == ("refused", "golden")
    assert other["agreement"] < 0.9999
    assert f"{other['agreement']:.3%} of the pixels have the class that golden gives them" in other["reason"]
    said = zoo_process("doctor", bundle.folder, "--backend", "paddle").stdout
    assert "Engines    paddle, float32: proven; 100.000% of the pixels as golden; " in said
    assert "other" not in said
    ended = zoo_process("doctor", bundle.folder, "--backend", "other")
    assert ended.returncode == 1
    assert other["reason"] in ended.stderr


@pytest.mark.full
def test_the_doctor_says_why_an_engine_cannot_run_a_model(install: Install, bundle: Bundle) -> None:
    install(opening="if request.precision == 'float32': import os; os.abort()")
    other = examined(bundle.folder)["other"]
    assert (other["verdict"], other["reason"], other["agreement"]) == ("refused", "ended by SIGABRT", None)
    exact = examined(bundle.folder, "--precision", "bf16")
    assert (exact["other"]["verdict"], exact["other"]["precision"]) == ("proven", "bf16")
    assert exact["paddle"]["verdict"] == "unusable"
    assert "it computes in float32 and not in bf16" in exact["paddle"]["reason"]


def test_a_fault_of_the_environment_is_not_kept(
    install: Install, bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    install(
        opening=f"import os; from zoo.errors import BackendNotInstalledError\n"
        f"        if os.path.exists({str(broken)!r}):\n"
        f"            raise BackendNotInstalledError('A library is missing.', 'Install it.')"
    )
    program = bundle.verify()
    with caplog.at_level(logging.WARNING):
        assert choose_engine(program).candidate.backend.name == "paddle"
    assert "A library is missing" in caplog.text
    with pytest.raises(zoo.BackendError, match="A library is missing") as raised:
        choose_engine(program, engine="other")
    assert raised.value.hint == "Install it."
    broken.unlink()
    assert choose_engine(program, engine="other").why == "asked for; 100.000% of the pixels as golden"


def test_an_engine_that_failed_once_is_proven_before_it_is_used_by_name(
    install: Install, bundle: Bundle, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    install(
        change="output = output[:, ::-1]",
        opening=f"import os; from zoo.errors import BackendError\n"
        f"        if os.path.exists({str(broken)!r}): raise BackendError('It is broken.', 'Mend it.')",
    )
    with pytest.raises(zoo.BackendError, match="It is broken"):
        zoo.load(bundle.folder, backend="other", threads=1)
    broken.unlink()
    with pytest.raises(zoo.BackendError, match="have the class that golden gives them"):
        zoo.load(bundle.folder, backend="other", threads=1)


@pytest.mark.full
def test_an_engine_that_crashed_is_told_how_to_be_tried_again_and_is_when_it_is_named(
    install: Install, bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    install(opening=f"import os\n        if os.path.exists({str(broken)!r}): os.abort()")
    with caplog.at_level(logging.WARNING):
        choose_engine(bundle.verify())
    assert "(to have it tried again: zoo cache rm --trials)" in caplog.text
    broken.unlink()
    assert choose_engine(bundle.verify(), engine="other").why.startswith("asked for; 100.000%")


@pytest.mark.full
def test_loads_at_the_same_time_prove_once_and_take_one_engine(
    install: Install, bundle: Bundle, tmp_path: Path
) -> None:
    opened = tmp_path / "opened"
    install(opening=f"open({str(opened)!r}, 'a').write('x')")
    with ThreadPoolExecutor(4) as pool:
        chosen = list(pool.map(lambda _: choose_engine(bundle.verify()).candidate.name, range(4)))
    assert len(set(chosen)) == 1
    assert opened.read_text() == "x"


def test_weights_that_are_not_finite_are_an_error_of_paddle_too(unproven: Path) -> None:
    params = unproven / "inference.pdiparams"
    content = bytearray(params.read_bytes())
    content[-4:] = np.float32(np.inf).tobytes()
    params.write_bytes(content)
    settings = unproven / "inference.yml"
    document = yaml.safe_load(settings.read_text())
    document["zoo"]["sha256"]["inference.pdiparams"] = hashlib.sha256(content).hexdigest()
    settings.write_text(yaml.safe_dump(document))
    with pytest.raises(zoo.BundleError, match="holds NaN or infinity"):
        zoo.load(unproven, threads=1)
