"""The Helm chart: what Helm and the Kubernetes schemas say of it, and that it starts what the local stack starts."""

import re
from collections.abc import Mapping

import helm_python
import kubernetes_validate
import pytest
import yaml

from polelens.stack.workers import INFER, OTHERS, beat_command, flower_command, worker_command
from storage.roles import PREFIX, ROLES
from tasks import app
from tests import compose
from tests.chart import FOLDER, Manifest, manifests, of_kind, pods

GPU = {"workers": {"infer-gpu": {"enabled": True}}}
ALL = {
    **GPU,
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "annotations": {"a/b": "c"}},
    "prometheusOperator": {"enabled": True},
    "priority": {"create": True},
}
GIVEN = dict.fromkeys(compose.must_be_given(), "x")
OLDEST, NEWEST = "1.29", "1.37"
KEDA = {"ScaledObject", "TriggerAuthentication"}  # definitions of its own, which Kubernetes has no schema of
OPERATOR = {"PrometheusRule", "PodMonitor"}  # likewise; test_alerts.py has the rules
LOGINS = {"FLOWER_BASIC_AUTH", "POLELENS_WEB_LOGIN", "POLELENS_WEB_SECRET", "POLELENS_WEB_OPENID_SECRET"}
SECRETS = {"DATABASE_URL", "CELERY_BROKER_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", *LOGINS}
ASKED = {"demo-flower", "demo-metrics", "demo-pages"}  # somebody connects to them


@pytest.fixture(scope="module")
def rendered() -> list[Manifest]:
    """All of the chart, with the workers on GPUs too."""
    return manifests(**GPU)


def test_helm_has_nothing_against_it() -> None:
    """`helm lint --strict`: no error and no warning."""
    for values in (GPU, ALL):
        report = helm_python.lint(FOLDER, values, strict=True)
        assert report["errors"] == []
        assert [one for one in report["messages"] if one["severity"] > 1] == []


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_manifest_keeps_to_its_schema(version: str) -> None:
    """Of the oldest Kubernetes that the chart names and the newest one known; no field that they do not know."""
    checked = [one for one in manifests(**ALL) if one["kind"] not in KEDA | OPERATOR]
    usual = {"Deployment", "Job", "Service", "PodDisruptionBudget"}
    assert {one["kind"] for one in checked} == usual | {"Ingress", "NetworkPolicy", "PriorityClass"}
    for one in checked:
        kubernetes_validate.validate(one, version, strict=True)


def test_the_pods_run_what_the_local_stack_runs(rendered: list[Manifest]) -> None:
    """By the same words, but for the address and the number of processes; `migrate` comes before all of it."""
    commands = {name: pod["containers"][0]["command"] for name, pod in pods(rendered)}
    assert commands["demo-infer"] == worker_command(INFER, "infer")[2:]
    assert commands["demo-infer-gpu"] == worker_command(INFER, "infer-gpu")[2:]
    assert commands["demo-prepare-reduce"] == worker_command(compose.REST, "prepare-reduce", 2)[2:]
    assert commands["demo-control"] == worker_command(["control"], "control")[2:]
    assert {*INFER, *compose.REST, "control"} == {*INFER, *OTHERS}
    assert commands["demo-beat"] == beat_command("/tmp/beat-schedule")[2:]  # noqa: S108  an emptyDir
    flower = flower_command("http://0.0.0.0:5555")[2:]
    assert commands["demo-flower"] == [word.replace("=127.0.0.1", "=0.0.0.0") for word in flower]
    started = {one.name: one.command for one in compose.services(GIVEN)}
    assert commands["demo-pages"] == started["pages"]
    assert commands["demo-metrics"] == started["metrics"]
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
    workers, kept = {"demo-prepare-reduce", "demo-infer", "demo-infer-gpu"}, "demo-control"
    deployments, scaled = of_kind(rendered, "Deployment"), of_kind(rendered, "ScaledObject")
    budgets = of_kind(rendered, "PodDisruptionBudget")
    assert set(scaled) == set(budgets) - {kept} == workers
    for name, one in scaled.items():
        assert one["spec"]["scaleTargetRef"] == {"name": name}
        assert "replicas" not in deployments[name]["spec"]
        [trigger] = one["spec"]["triggers"]
        assert trigger["type"] == "postgresql"
        assert trigger["authenticationRef"]["name"] in of_kind(rendered, "TriggerAuthentication")
        labels = deployments[name]["spec"]["template"]["metadata"]["labels"]
        assert budgets[name]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert deployments[kept]["spec"]["replicas"] >= 1  # somebody must serve `control`

    alone = manifests(scaling={"enabled": False})
    assert not any(one["kind"] in KEDA for one in alone)
    assert of_kind(alone, "Deployment")["demo-infer"]["spec"]["replicas"] == 2


def test_a_service_finds_its_pods(rendered: list[Manifest]) -> None:
    """Flower's, the metrics' and the pages', at the port that they listen on."""
    assert set(of_kind(rendered, "Service")) == ASKED
    for name, one in of_kind(rendered, "Service").items():
        template = of_kind(rendered, "Deployment")[name]["spec"]["template"]
        assert one["spec"]["selector"].items() <= template["metadata"]["labels"].items()
        [container] = template["spec"]["containers"]
        assert one["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"] == "http"
        assert str(one["spec"]["ports"][0]["port"]) in " ".join(container["command"])


def test_each_component_may_have_a_login_of_its_own() -> None:
    """By a Secret of its own; the roles are granted by the migration, with the logins that its Secret names."""
    given = {"secrets": {"migrate": "owner", "control": "keeper", "infer": "worker"}, "makeRoles": True}
    found = dict(pods(manifests(**given)))
    expected = {"demo-migrate": "owner", "demo-control": "keeper", "demo-infer": "worker", "demo-metrics": "polelens"}
    for name, secret in expected.items():
        [container] = found[name]["containers"]
        named = {one["valueFrom"]["secretKeyRef"]["name"] for one in container["env"] if "valueFrom" in one}
        assert named == {secret}, name
    [migrate] = found["demo-migrate"]["containers"]
    assert migrate["command"] == ["polelens", "migrate", "--roles"]
    logins = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in migrate["env"] if "LOGIN" in one["name"]}
    assert set(logins) == {f"{PREFIX}{role.upper()}" for role in ROLES}
    assert all(one["optional"] for one in logins.values())


def test_the_ingress_shows_the_pages_and_flower_below_their_paths() -> None:
    """Paths that each process is told, with its probes below them too; test_below.py tries them with a real proxy."""
    paths = {"pages": "/see/polelens", "flower": "/see/flower"}
    found = manifests(ingress={"enabled": True, "host": "h.example", "tlsSecret": "tls", "paths": paths})
    [rule] = of_kind(found, "Ingress")["demo-web"]["spec"]["rules"]
    shown = {one["path"]: one["backend"]["service"]["name"] for one in rule["http"]["paths"]}
    assert shown == {"/see/polelens": "demo-pages", "/see/flower": "demo-flower"}
    assert rule["host"] == "h.example"
    containers = {name: pod["containers"][0] for name, pod in pods(found)}
    assert containers["demo-pages"]["command"][-2:] == ["--root-path", "/see/polelens"]
    assert containers["demo-flower"]["command"][-1] == "--url_prefix=see/flower"
    probed = {
        (name, kind): containers[name][kind]["httpGet"]["path"]
        for name in ("demo-pages", "demo-flower")
        for kind in ("readinessProbe", "livenessProbe")
    }
    assert set(probed.values()) == {
        "/see/polelens/v2/health/ready",
        "/see/polelens/v2/health/live",
        "/see/flower/healthcheck",
    }
    annotations = of_kind(found, "Deployment")["demo-flower"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] == "/see/flower/metrics"
    alone = manifests(ingress={"enabled": True, "paths": {"pages": "/", "flower": ""}})
    [rule] = of_kind(alone, "Ingress")["demo-web"]["spec"]["rules"]
    assert [one["path"] for one in rule["http"]["paths"]] == ["/"]
    assert "--root-path" not in dict(pods(alone))["demo-pages"]["containers"][0]["command"]
    with pytest.raises(helm_python.HelmError, match="pages"):
        manifests(ingress={"enabled": True, "paths": {"pages": "polelens"}})


def _selected(policy: Manifest, labels: Mapping[str, str]) -> bool:
    selector = policy["spec"]["podSelector"]
    without = all(labels[one["key"]] not in one["values"] for one in selector.get("matchExpressions", ()))
    return selector["matchLabels"].items() <= labels.items() and without


def _reach(found: list[Manifest]) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    """The ports of each pod that somebody may connect to, and those that it may connect to."""
    ins: dict[str, set[int]] = {}
    outs: dict[str, set[int]] = {}
    for one in found:
        if one["kind"] not in ("Deployment", "Job"):
            continue
        labels, name = one["spec"]["template"]["metadata"]["labels"], one["metadata"]["name"]
        policies = [one for one in of_kind(found, "NetworkPolicy").values() if _selected(one, labels)]
        assert {kind for policy in policies for kind in policy["spec"]["policyTypes"]} == {"Ingress", "Egress"}, name
        for kind, into in (("ingress", ins), ("egress", outs)):
            rules = [rule for policy in policies for rule in policy["spec"].get(kind, ())]
            into[name] = {port["port"] for rule in rules for port in rule["ports"]}
    return ins, outs


def test_each_pod_reaches_what_it_needs_and_is_reached_by_who_asks_it(rendered: list[Manifest]) -> None:
    """Nobody connects to a worker; beat and Flower have no way to Postgres, nor the metrics to the objects."""
    ins, outs = _reach(rendered)
    assert {name: ports for name, ports in ins.items() if ports} == {
        "demo-flower": {5555},
        "demo-metrics": {9108},
        "demo-pages": {8765},
    }
    everything = {53, 5432, 6379, 443, 8333}
    assert outs["demo-infer"] == outs["demo-control"] == outs["demo-infer-gpu"] == everything
    assert outs["demo-beat"] == outs["demo-flower"] == {53, 6379}
    assert outs["demo-metrics"] == {53, 6379, 5432}
    assert outs["demo-migrate"] == {53, 5432, 443, 8333}
    assert 5432 in outs["demo-pages"]
    ours = [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]
    narrowed = of_kind(manifests(networkPolicy={"from": ours}), "NetworkPolicy")["demo-in-metrics"]
    assert narrowed["spec"]["ingress"][0]["from"] == ours
    assert not of_kind(manifests(networkPolicy={"enabled": False}), "NetworkPolicy")


def test_workers_give_way_and_what_keeps_all_going_does_not() -> None:
    """By two classes, made here or named; without either none is named."""
    found = manifests(**ALL)
    classes = of_kind(found, "PriorityClass")
    assert classes["demo-batch"]["value"] < 0 < classes["demo-keep"]["value"]
    assert classes["demo-batch"]["preemptionPolicy"] == "Never"
    batch = {"demo-prepare-reduce", "demo-infer", "demo-infer-gpu"}
    for name, pod in pods(found):
        assert pod["priorityClassName"] == ("demo-batch" if name in batch else "demo-keep"), name
    hooks = of_kind(found, "Job")["demo-migrate"]["metadata"]["annotations"]
    before = classes["demo-keep"]["metadata"]["annotations"]
    assert int(before["helm.sh/hook-weight"]) < int(hooks.get("helm.sh/hook-weight", 0))  # the migration has one
    named = dict(pods(manifests(priority={"keep": "high", "batch": "low"})))
    assert {named[one]["priorityClassName"] for one in ("demo-control", "demo-infer")} == {"high", "low"}
    assert not any("priorityClassName" in pod for _, pod in pods(manifests()))


def test_pods_of_a_kind_are_spread(rendered: list[Manifest]) -> None:
    """Over zones and nodes, as far as there is room, each kind by itself."""
    for one in of_kind(rendered, "Deployment").values():
        template = one["spec"]["template"]
        spread = template["spec"].get("topologySpreadConstraints", [])
        component = template["metadata"]["labels"]["app.kubernetes.io/component"]
        single = component in ("beat", "flower", "metrics")
        keys = [] if single else ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        assert [constraint["topologyKey"] for constraint in spread] == keys, component
        for constraint in spread:
            assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
            assert constraint["labelSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()


def test_gpu_workers_keep_to_their_pool(rendered: list[Manifest]) -> None:
    """One device each, on nodes that have one and let nothing else in; no other pod asks for one or may go there."""
    for name, pod in pods(rendered):
        gpu = name == "demo-infer-gpu"
        limits = pod["containers"][0]["resources"]["limits"]
        assert limits.get("nvidia.com/gpu") == (1 if gpu else None), name
        assert pod.get("nodeSelector") == ({"nvidia.com/gpu.present": "true"} if gpu else None), name
        taints = [(one["key"], one["effect"]) for one in pod.get("tolerations", ())]
        assert taints == ([("nvidia.com/gpu", "NoSchedule")] if gpu else []), name


def test_every_value_is_explained() -> None:
    """The chart's README has each of the first storey, and no other."""
    readme = (FOLDER / "README.md").read_text()
    values = yaml.safe_load((FOLDER / "values.yaml").read_text())
    assert re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE) == list(values)
