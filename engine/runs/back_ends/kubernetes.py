"""Training in a Kubernetes cluster: one indexed Job a run, with a node agent in each of its pods.

A headless Service gives the pods the address of node 0. The pods see the home folder, on a volume,
under the path that it has on this machine. If a pod is evicted, the ranks of all pods end, and the
Job replaces the pods, which go on from the last checkpoint. If a rank fails, the Job fails.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import yaml

from engine.documents import InputError
from engine.files import write_atomically
from engine.machine import Machine
from engine.runs.back_ends.cluster import (
    ClientError,
    ClusterJob,
    cluster_machine,
    ranks_on_nodes,
    run_client,
)
from engine.runs.back_ends.node_agent import ENDED_EXIT_CODE
from engine.runs.back_ends.node_state import clear_node_states, node_environment
from engine.runs.folder import Run
from engine.runs.job import BackEndName
from engine.runs.settings import Kubernetes, Settings, set_up, settings

_AGENT_PORT = 29_500
"""Port of the agent of node 0. Each pod has an address of its own, so every port is free."""
_CONTAINER = "guard"
"""Name of the container and of its port in the manifest, kept for log filters that select by it."""
_GRACE_S = 5
"""Seconds between a pod's SIGTERM and its SIGKILL; an agent needs half of them."""
_DELETED = "Deleted"


class KubernetesJob(ClusterJob):
    """The Job of one run in a Kubernetes cluster."""

    final_states: ClassVar = {"Complete": 0, "Failed": 1, _DELETED: 1}
    states_explained_by_agents: ClassVar = ("Complete", "Failed")
    waiting_state: ClassVar = "Pending"

    def __init__(self, run: Run, cluster: Kubernetes, n_nodes: int, cluster_job: str) -> None:
        super().__init__(run, n_nodes, cluster_job)
        self._namespace = cluster.namespace

    def state(self) -> str:
        try:
            job = self._kubectl("get", "job", self.cluster_job, "--output=json")
        except ClientError as error:
            if "NotFound" not in str(error):
                raise
            return _DELETED
        return state_of(json.loads(job))

    def cancel(self) -> None:
        self._kubectl(
            "delete", f"job/{self.cluster_job}", f"service/{self.cluster_job}",
            "--ignore-not-found", "--cascade=foreground", f"--timeout={_GRACE_S + 3}s",
        )  # fmt: skip

    def end(self) -> list[str]:
        left = super().end()
        self._try_to_cancel()  # a Job that is over leaves its pods and its Service
        return left

    def _kubectl(self, *words: str) -> str:
        return run_client("kubectl", f"--namespace={self._namespace}", *words)


def state_of(job: Mapping[str, Any]) -> str:
    """Return the state of a Job from its description by the cluster."""
    status = job.get("status", {})
    for condition in status.get("conditions", ()):
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return str(condition["type"])
    return "Running" if status.get("ready") else "Pending"


def _metadata(run: Run, cluster: Kubernetes) -> dict[str, Any]:
    return {
        "name": job_name(run),
        "namespace": cluster.namespace,
        "labels": {"app": "flopledger"},
        "annotations": {"flopledger/run": run.id},
    }


def job_name(run: Run) -> str:
    """Return the Job's name: the date, time and random suffix of the run's id.

    It is short because the names of pods and hosts are derived from it.
    """
    date, time, *_, suffix = run.id.split("-")
    return f"run-{date}-{time}-{suffix}"


def manifest(run: Run, cluster: Kubernetes, machine: Machine) -> str:
    """Return the documents for ``kubectl apply`` as YAML."""
    documents = [_service(run, cluster), _job(run, cluster, machine)]
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True)


def _service(run: Run, cluster: Kubernetes) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(run, cluster),
        "spec": {
            "clusterIP": "None",
            # Pods resolve the name of node 0 before any of them is ready.
            "publishNotReadyAddresses": True,
            "selector": {"batch.kubernetes.io/job-name": job_name(run)},
            "ports": [{"name": _CONTAINER, "port": _AGENT_PORT}],
        },
    }


def _job(run: Run, cluster: Kubernetes, machine: Machine) -> dict[str, Any]:
    shares = ranks_on_nodes(cluster, run)
    pod = {
        "subdomain": job_name(run),
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _GRACE_S,
        "automountServiceAccountToken": False,
        "containers": [_container(run, cluster, machine, shares)],
        "volumes": [
            {"name": "home", "persistentVolumeClaim": {"claimName": cluster.volume_claim}},
            {"name": "shm", "emptyDir": {"medium": "Memory"}},
        ],
    }
    ignored_failures = [
        {
            "action": "Ignore",
            "onExitCodes": {
                "containerName": _CONTAINER,
                "operator": "In",
                "values": [ENDED_EXIT_CODE],
            },
        },
        {
            "action": "Ignore",
            "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
        },
    ]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(run, cluster),
        "spec": {
            "completionMode": "Indexed",
            "completions": len(shares),
            "parallelism": len(shares),
            "backoffLimit": 0,
            "podFailurePolicy": {"rules": ignored_failures},
            "podReplacementPolicy": "Failed",
            "template": {"metadata": {"labels": {"app": "flopledger"}}, "spec": pod},
        },
    }


def _container(
    run: Run, cluster: Kubernetes, machine: Machine, shares: Sequence[int]
) -> dict[str, Any]:
    name = job_name(run)
    index = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    environment = node_environment(run, machine)
    container: dict[str, Any] = {
        "name": _CONTAINER,
        "image": cluster.image,
        "command": [
            cluster.python, "-m", "engine.runs.back_ends.node_agent", str(run.folder.absolute()),
            "--rank", "$(NODE_RANK)", "--name", "$(NODE_NAME)",
            "--shares", ",".join(map(str, shares)),
            "--master", f"{name}-0.{name}", "--port", str(_AGENT_PORT),
        ],
        "env": [
            {"name": "NODE_RANK", "valueFrom": {"fieldRef": {"fieldPath": index}}},
            {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            *({"name": name, "value": value} for name, value in environment.items()),
        ],
        "resources": {
            "limits": {cluster.gpu_resource if machine.has_gpu else "cpu": max(shares)}
        },
        "volumeMounts": [
            {"name": "home", "mountPath": environment["FLOPLEDGER_HOME"]},
            {"name": "shm", "mountPath": "/dev/shm"},
        ],
    }  # fmt: skip
    if cluster.project_dir:
        container["workingDir"] = cluster.project_dir
    return container


class KubernetesCluster:
    """The back end of a Kubernetes cluster."""

    name: BackEndName = "kubernetes"

    def unmet_requirements(self, settings: Settings) -> list[InputError]:
        try:
            namespace = set_up(settings.kubernetes, "kubernetes").namespace
            if shutil.which("kubectl") is None:
                raise InputError("back_end", "kubernetes", "on_path", command="kubectl")
            run_client(
                "kubectl", f"--namespace={namespace}", "--request-timeout=5s",
                "auth", "can-i", "create", "jobs.batch",
            )  # fmt: skip
        except InputError as error:
            return [error]
        except ClientError as error:
            return [InputError("back_end", "kubernetes", "kubectl_refused", message=str(error))]
        return []

    def machine(self, settings: Settings) -> Machine:
        return cluster_machine(set_up(settings.kubernetes, "kubernetes"))

    def slots(self, settings: Settings) -> int | None:
        return None

    def training(self, run: Run, machine: Machine, environment: Mapping[str, str]) -> KubernetesJob:
        cluster = set_up(settings().kubernetes, "kubernetes")
        if run.state.cluster_job is None:
            clear_node_states(run.folder)
            file = run.folder / "kubernetes.yaml"
            write_atomically(file, manifest(run, cluster, machine))
            try:
                run_client(
                    "kubectl", f"--namespace={cluster.namespace}", "apply", f"--filename={file}"
                )
            except ClientError as error:
                raise InputError(
                    "settings.toml", "[kubernetes]", "kubectl_refused", message=str(error)
                ) from None
        return KubernetesJob(run, cluster, len(ranks_on_nodes(cluster, run)), job_name(run))


BACK_END = KubernetesCluster()
