"""The Helm chart: what Helm and the Kubernetes schemas say of it, and that it starts what the local stack starts."""

import helm_python
import kubernetes_validate
import pytest

from polelens.stack.workers import INFER, OTHERS, beat_command, flower_command, worker_command
from tasks import app
from tests import compose
from tests.chart import FOLDER, Manifest, manifests, of_kind, pods

GPU = {"workers": {"infer-gpu": {"enabled": True}}}
GIVEN = dict.fromkeys(compose.must_be_given(), "x")
OLDEST, NEWEST = "1.29", "1.37"
KEDA = {"ScaledObject", "TriggerAuthentication"}  # definitions of its own, which Kubernetes has no schema of
SECRETS = {"DATABASE_URL", "CELERY_BROKER_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "FLOWER_BASIC_AUTH"}


@pytest.fixture(scope="module")
def rendered() -> list[Manifest]:
    """All of the chart, with the workers on GPUs too."""
    return manifests(**GPU)


def test_helm_has_nothing_against_it() -> None:
    """`helm lint --strict`: no error and no warning."""
    report = helm_python.lint(FOLDER, GPU, strict=True)
    assert report["errors"] == []
    assert [one for one in report["messages"] if one["severity"] > 1] == []


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_manifest_keeps_to_its_schema(rendered: list[Manifest], version: str) -> None:
    """Of the oldest Kubernetes that the chart names and the newest one known; no field that they do not know."""
    checked = [one for one in rendered if one["kind"] not in KEDA]
    assert {one["kind"] for one in checked} == {"Deployment", "Job", "Service", "PodDisruptionBudget"}
    for one in checked:
        kubernetes_validate.validate(one, version, strict=True)


def test_the_pods_run_what_the_local_stack_runs(rendered: list[Manifest]) -> None:
    """By the same words, but for the address and the number of processes; `migrate` comes before all of it."""
    commands = {name: pod["containers"][0]["command"] for name, pod in pods(rendered)}
    assert commands["demo-infer"] == worker_command(INFER, "infer")[2:]
    assert commands["demo-infer-gpu"] == worker_command(INFER, "infer-gpu")[2:]
    assert commands["demo-prepare-reduce"] == worker_command(OTHERS, "prepare-reduce", 2)[2:]
    assert commands["demo-beat"] == beat_command("/tmp/beat-schedule")[2:]  # noqa: S108  an emptyDir
    flower = flower_command("http://0.0.0.0:5555")[2:]
    assert commands["demo-flower"] == [word.replace("=127.0.0.1", "=0.0.0.0") for word in flower]
    assert commands["demo-migrate"] == ["polelens", "migrate"]
    hooks = of_kind(rendered, "Job")["demo-migrate"]["metadata"]["annotations"]
    assert hooks["helm.sh/hook"] == "pre-install,pre-upgrade"
    with_bucket = dict(pods(manifests(makeBucket=True)))["demo-migrate"]
    assert with_bucket["containers"][0]["command"] == ["polelens", "migrate", "--bucket"]


def test_a_worker_has_time_to_end(rendered: list[Manifest]) -> None:
    """SIGTERM means a soft shutdown, and SIGKILL comes only well after that; less is refused."""
    for name, pod in pods(rendered):
        if "worker" in pod["containers"][0]["command"]:
            variables = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
            assert variables["REMAP_SIGTERM"] == "SIGQUIT", name
            assert pod["terminationGracePeriodSeconds"] >= app.conf.worker_soft_shutdown_timeout + 15, name
    with pytest.raises(helm_python.HelmError, match="terminationGracePeriodSeconds"):
        manifests(terminationGracePeriodSeconds=30)


def test_workers_and_beat_are_probed_by_the_age_of_a_file(rendered: list[Manifest]) -> None:
    """The file that they keep is where the probe looks, which is what Compose runs; nobody else is probed so."""
    test = next(one.healthcheck for one in compose.services(GIVEN) if one.name == "beat")
    for name, pod in pods(rendered):
        [container] = pod["containers"]
        variables = {one["name"]: one.get("value") for one in container["env"]}
        probe = container.get("livenessProbe", {}).get("exec", {}).get("command")
        keeps = {"worker", "beat"} & set(container["command"])
        assert variables.get("POLELENS_HEALTH") == ("/tmp/health" if keeps else None), name  # noqa: S108
        assert probe == (test if keeps else None), name
        assert {"name": "scratch", "mountPath": "/tmp"} in container["volumeMounts"], name  # noqa: S108


def test_every_pod_has_the_least_it_needs(rendered: list[Manifest]) -> None:
    """No root, no writable root file system, no capability, no token of the cluster; secrets by reference alone."""
    for name, pod in pods(rendered):
        [container] = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"], name
        assert not pod["automountServiceAccountToken"], name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert set(container["resources"]) == {"requests", "limits"}, name
        secret = {one["name"]: one for one in container["env"] if one["name"] in SECRETS}
        assert {"DATABASE_URL", "CELERY_BROKER_URL"} <= set(secret), name
        assert all(one["valueFrom"]["secretKeyRef"]["name"] == "polelens" for one in secret.values()), name
    with pytest.raises(helm_python.HelmError, match="DATABASE_URL"):
        manifests(settings={"DATABASE_URL": "postgresql://me:secret@host/db", "POLELENS_BLOBS": "s3://b"})


def test_each_worker_is_scaled_and_spared(rendered: list[Manifest]) -> None:
    """KEDA scales the Deployment of its name, which then says no number itself; a budget holds on to its pods."""
    workers = {"demo-prepare-reduce", "demo-infer", "demo-infer-gpu"}
    deployments, scaled = of_kind(rendered, "Deployment"), of_kind(rendered, "ScaledObject")
    budgets = of_kind(rendered, "PodDisruptionBudget")
    assert set(scaled) == set(budgets) == workers
    for name, one in scaled.items():
        assert one["spec"]["scaleTargetRef"] == {"name": name}
        assert "replicas" not in deployments[name]["spec"]
        [trigger] = one["spec"]["triggers"]
        assert trigger["type"] == "postgresql"
        assert trigger["authenticationRef"]["name"] in of_kind(rendered, "TriggerAuthentication")
        labels = deployments[name]["spec"]["template"]["metadata"]["labels"]
        assert budgets[name]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert scaled["demo-prepare-reduce"]["spec"]["minReplicaCount"] >= 1  # somebody must serve `control`

    alone = manifests(scaling={"enabled": False})
    assert not any(one["kind"] in KEDA for one in alone)
    assert of_kind(alone, "Deployment")["demo-infer"]["spec"]["replicas"] == 2


def test_a_service_finds_its_pods(rendered: list[Manifest]) -> None:
    """Flower's and the metrics', at the port that they listen on."""
    for name, one in of_kind(rendered, "Service").items():
        template = of_kind(rendered, "Deployment")[name]["spec"]["template"]
        assert one["spec"]["selector"].items() <= template["metadata"]["labels"].items()
        [container] = template["spec"]["containers"]
        assert one["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"] == "http"
        assert str(one["spec"]["ports"][0]["port"]) in " ".join(container["command"])
