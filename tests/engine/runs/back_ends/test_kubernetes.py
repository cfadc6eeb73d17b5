"""The manifest for Kubernetes against its published schemas, and the reading of its answers.

A stand-in for ``kubectl`` answers. No cluster is needed, and none has been tried.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from engine.machine import machine_like
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.runs.back_ends import cluster
from engine.runs.back_ends.kubernetes import BACK_END, job_name, manifest, state_of
from engine.runs.folder import Run
from engine.runs.job import Job
from engine.runs.settings import Kubernetes, Settings
from tests.engine.runs.back_ends.training import executable

CLUSTER = Kubernetes(image="registry.example/flopledger:1", volume_claim="runs", nodes=4,
                     slots_per_node=8, accelerator="H100-80GB")  # fmt: skip
COMPLETE = {"type": "Complete", "status": "True"}
VERSIONS = ("1.31", "1.37")
"""Versions of Kubernetes: the first with stable pod failure policies, and the newest known."""


@pytest.fixture
def run(recipe: Recipe) -> Run:
    chosen = recipe.with_values({"n_ranks": 20, "layout.precision": "bf16"})
    machine = BACK_END.machine(Settings(kubernetes=CLUSTER))
    return Run.create(chosen, run_plan(chosen, None, machine), Job(back_end="kubernetes"))


def documents(run: Run, known: Kubernetes = CLUSTER) -> list[dict[str, Any]]:
    machine = machine_like(known.accelerator, known.nodes * known.slots_per_node)
    return list(yaml.safe_load_all(manifest(run, known, machine)))


@pytest.mark.parametrize("accelerator", ["H100-80GB", "CPU-core"])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_is_one_of_kubernetes(run: Run, accelerator: str, version: str) -> None:
    known = CLUSTER.with_values({"accelerator": accelerator, "project_dir": "/srv/flopledger"})
    service, job = documents(run, known)
    for document in (service, job):
        kubernetes_validate.validate(document, version, strict=True)
    job["spec"]["template"]["spec"]["subdomian"] = "a slip"
    with pytest.raises(kubernetes_validate.ValidationError, match="subdomian"):
        kubernetes_validate.validate(job, version, strict=True)


def test_pods_are_the_nodes_of_the_run(run: Run) -> None:
    service, job = documents(run)
    name = job_name(run)
    assert service["metadata"]["name"] == job["metadata"]["name"] == name
    assert len(name) < 40  # names of pods and hosts are derived from it and may have 63 characters
    spec = job["spec"]
    assert (spec["completions"], spec["parallelism"], spec["completionMode"]) == (3, 3, "Indexed")
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    words = container["command"]
    assert words[words.index("--shares") + 1] == "8,8,4"
    # The name of the first pod below the subdomain of the headless Service.
    assert words[words.index("--master") + 1] == f"{name}-0.{pod['subdomain']}"
    assert container["resources"] == {"limits": {"nvidia.com/gpu": 8}}
    environment = {variable["name"]: variable for variable in container["env"]}
    assert words[words.index("--rank") + 1] == "$(NODE_RANK)"
    assert "completion-index" in str(environment["NODE_RANK"])
    home = environment["FLOPLEDGER_HOME"]["value"]
    assert str(run.folder).startswith(home)
    assert {"name": "home", "mountPath": home} in container["volumeMounts"]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "Pending"),
        ({"active": 2, "ready": 0}, "Pending"),
        ({"active": 2, "ready": 2}, "Running"),
        ({"conditions": [{"type": "SuccessCriteriaMet", "status": "True"}], "ready": 1}, "Running"),
        ({"conditions": [COMPLETE]}, "Complete"),
        ({"conditions": [{"type": "Failed", "status": "True"}]}, "Failed"),
    ],
)
def test_states_of_a_job(status: dict[str, Any], state: str) -> None:
    assert state_of({"status": status}) == state


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a ``kubectl`` that logs its calls to ``calls`` and prints ``job.json``."""
    executable(
        tmp_path / "kubectl",
        f"""cd {tmp_path}; echo "$@" >> calls
case "$*" in
  *" get job "*) cat job.json || {{ echo "Error (NotFound): no such job" >&2; exit 1; }};;
  *" delete "*) rm -f job.json;;
esac""",
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(cluster, "_QUERY_INTERVAL_S", 0.0)
    return tmp_path


def test_a_job_is_applied_watched_and_removed(run: Run, home: Path, kubectl: Path) -> None:
    (home / "settings.toml").write_text(Settings(kubernetes=CLUSTER).to_toml(), "utf-8")
    machine = BACK_END.machine(Settings(kubernetes=CLUSTER))
    job = BACK_END.training(run, machine, {})
    file = run.folder / "kubernetes.yaml"
    assert file.read_text("utf-8") == manifest(run, CLUSTER, machine)

    for status, exit_code in (({"ready": 1}, None), ({"conditions": [COMPLETE]}, 0)):
        (kubectl / "job.json").write_text(json.dumps({"status": status}))
        assert job.poll() == exit_code
    assert job.end() == []
    assert not (kubectl / "job.json").exists()
    calls = (kubectl / "calls").read_text().splitlines()
    assert calls[0] == f"--namespace=default apply --filename={file}"
    assert f"job/{job.cluster_job} service/{job.cluster_job}" in calls[-1]

    # A Job that was deleted by hand has ended without a result.
    again = BACK_END.training(run, machine, {})
    assert again.poll() == 1
    failure = again.exit_failure(1)
    assert failure.key == "job_ended"
    assert again.cluster_job in failure.in_language("zh_Hans")


def test_a_new_supervisor_continues_with_the_job(run: Run, home: Path, kubectl: Path) -> None:
    (home / "settings.toml").write_text(Settings(kubernetes=CLUSTER).to_toml(), "utf-8")
    run.set_state(cluster_job=job_name(run))
    job = BACK_END.training(run, BACK_END.machine(Settings(kubernetes=CLUSTER)), {})
    assert job.cluster_job == job_name(run)
    assert not (kubectl / "calls").exists()


def test_an_unmet_requirement_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lack,) = BACK_END.unmet_requirements(Settings())
    assert "[kubernetes]" in lack.in_language("en")
    known = Settings(kubernetes=CLUSTER)
    monkeypatch.setenv("PATH", str(tmp_path))
    (lack,) = BACK_END.unmet_requirements(known)
    assert "kubectl" in lack.in_language("zh_Hans")
    executable(tmp_path / "kubectl", 'echo "The connection was refused" >&2; exit 1')
    (lack,) = BACK_END.unmet_requirements(known)
    assert "The connection was refused" in lack.in_language("en")
    executable(tmp_path / "kubectl", "echo yes")
    assert BACK_END.unmet_requirements(known) == []
