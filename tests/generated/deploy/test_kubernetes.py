"""The Kubernetes manifests of every rendered project: each valid, and all in agreement with one another and with the service."""

import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests import source
from tests.generated.deploy.manifests import (
    OVERLAYS,
    Manifests,
    Objects,
    kustomize,
    parsed,
    variants_that_need,
    variants_with_manifests,
)
from tests.rendering import render_variant
from tests.support import Shared

SERVER = re.search(r"(?m)^KUBERNETES_VERSION=(\d+\.\d+)", (source.ROOT / "maintenance/kubernetes.sh").read_text(encoding="utf-8"))
assert SERVER is not None

KUSTOMIZATIONS = ("base", *(f"overlays/{name}" for name in OVERLAYS))

OF_ALL = {"ServiceAccount", "Deployment", "NetworkPolicy"}
OF_A_LISTENER = {"Service"}
OF_SEVERAL_REPLICAS = {"HorizontalPodAutoscaler", "PodDisruptionBudget"}

RESERVE = 10
"""Seconds for what ends after the servers: the connection pool, the last traces."""

CONNECTIONS = 97
"""What PostgreSQL has for everybody, as it comes: max_connections less superuser_reserved_connections."""


@pytest.fixture(params=KUSTOMIZATIONS)
def objects(request: pytest.FixtureRequest, manifests: Manifests) -> Objects:
    return manifests.build(request.param)


class Settings:
    """What the container of a Deployment is configured with, and what the service makes of it."""

    def __init__(self, manifests: Manifests, objects: Objects) -> None:
        texts = manifests.rendering.texts
        self._code = "".join(texts[path] for path in texts if re.fullmatch(r"internal/platform/config/\w+(?<!_test)\.go", path))
        self._image = manifests.rendering.texts["Dockerfile"]
        self._given = {variable["name"]: variable.get("value", "") for variable in objects.main["env"]}

    @property
    def known(self) -> set[str]:
        """The variables that the service reads."""
        names = set(re.findall(r'\b(?:e\.\w+\(|read\(e, )"([A-Z_]+)"', self._code))
        return names | {f"{secret}_FILE" for secret in re.findall(r'\be\.secret\("(\w+)"', self._code)}

    def seconds(self, name: str) -> float:
        text = self._given.get(name) or self._found(rf'e\.duration\("{name}", (\d+)\*time\.Second', self._code) + "s"
        return float(self._found(r"^([\d.]+)s$", text))

    def number(self, name: str) -> int:
        return int(self._given.get(name) or self._found(rf'e\.count\("{name}", (\d+)', self._code))

    def port(self, name: str) -> int:
        """The port of an address: as the image sets it, else the service's default."""
        image = re.search(rf"(?m)^ENV {name}=:(\d+)$", self._image)
        return int(image[1] if image else self._found(rf'e\.address\("{name}", ":(\d+)"', self._code))

    @staticmethod
    def _found(pattern: str, text: str) -> str:
        match = re.search(pattern, text)
        assert match, pattern
        return match[1]


@pytest.fixture
def settings(manifests: Manifests, objects: Objects) -> Settings:
    return Settings(manifests, objects)


@pytest.mark.parametrize("version", [SERVER[1], kubernetes_validate.latest_version()])
def test_every_object_satisfies_the_strict_schema(version: str, objects: Objects) -> None:
    for document in objects:
        kubernetes_validate.validate(document, version, strict=True)


def test_each_file_has_one_object_named_after_its_kind(manifests: Manifests) -> None:
    for path, text in manifests.files.items():
        name, _, _ = path.rpartition("/")[2].removesuffix(".yaml").partition("-")
        assert yaml.safe_load(text)["kind"].lower() == name, path


def test_every_file_is_used(manifests: Manifests) -> None:
    for path in manifests.files:
        folder, _, name = path.rpartition("/")
        if name != "kustomization.yaml":
            assert name in manifests.files[f"{folder}/kustomization.yaml"], path


def test_every_object_has_the_name_of_the_service(manifests: Manifests, objects: Objects) -> None:
    """A second Service adds that of its port."""
    name = manifests.name
    names = {("Service", port): f"{name}-{port}" for port in manifests.listeners[1:]}

    for document in objects:
        if document["kind"] != "Namespace":
            ports = [port["name"] for port in document["spec"]["ports"]] if document["kind"] == "Service" else []
            assert document["metadata"]["name"] == names.get((document["kind"], *ports), name)
            assert document["metadata"]["labels"] == {"app.kubernetes.io/name": name}


def test_selectors_match_the_pods_and_no_others(manifests: Manifests, objects: Objects) -> None:
    labels = {"app.kubernetes.io/name": manifests.name}

    assert objects.pod["metadata"]["labels"] == labels
    assert objects["Deployment"]["spec"]["selector"] == {"matchLabels": labels}
    assert objects["NetworkPolicy"]["spec"]["podSelector"] == {"matchLabels": labels}
    for constraint in objects.pod["spec"].get("topologySpreadConstraints", []):
        assert constraint["labelSelector"] == {"matchLabels": labels}
    if "PodDisruptionBudget" in objects.kinds:
        assert objects["PodDisruptionBudget"]["spec"]["selector"] == {"matchLabels": labels}
    for service in objects.all("Service"):
        assert service["spec"]["selector"] == labels


def test_pods_use_the_service_account_without_its_token(objects: Objects) -> None:
    assert objects.pod["spec"]["serviceAccountName"] == objects["ServiceAccount"]["metadata"]["name"]
    assert objects.pod["spec"]["automountServiceAccountToken"] is False
    assert objects["ServiceAccount"]["automountServiceAccountToken"] is False


def test_ports_are_those_that_the_service_listens_on(manifests: Manifests, objects: Objects, settings: Settings) -> None:
    ports = {port["name"]: port["containerPort"] for port in objects.main["ports"]}

    assert ports == {name: settings.port(f"{name.upper()}_ADDR") for name in [*manifests.listeners, "admin"]}


def test_services_expose_the_public_ports_only(manifests: Manifests, objects: Objects, settings: Settings) -> None:
    exposed = [port for service in objects.all("Service") for port in service["spec"]["ports"]]

    assert [port["targetPort"] for port in exposed] == manifests.listeners
    assert [port["port"] for port in exposed] == [settings.port(f"{name.upper()}_ADDR") for name in manifests.listeners]


def test_calls_are_balanced_by_clients_and_requests_by_the_cluster(objects: Objects) -> None:
    for service in objects.all("Service"):
        (port,) = service["spec"]["ports"]
        of_calls = port["name"] == "grpc"
        assert (service["spec"].get("clusterIP"), port.get("appProtocol")) == (("None", "grpc") if of_calls else (None, None))


def test_probes_ask_the_admin_port(objects: Objects) -> None:
    probes = {name: objects.main[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}

    assert {probe["port"] for probe in probes.values()} == {"admin"}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/livez",
        "readiness": "/readyz",
        "liveness": "/livez",
    }


def test_prometheus_finds_the_admin_port(objects: Objects, settings: Settings) -> None:
    assert objects.pod["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(settings.port("ADMIN_ADDR")),
        "prometheus.io/path": "/metrics",
    }


def test_time_to_stop_is_enough(objects: Objects, settings: Settings) -> None:
    stop = settings.seconds("DRAIN_DELAY") + settings.seconds("SHUTDOWN_TIMEOUT") + RESERVE

    assert objects.pod["spec"]["terminationGracePeriodSeconds"] >= stop
    assert [container["name"] for container in objects.containers if "lifecycle" in container] == []


def test_nobody_is_sent_to_a_pod_that_stops(objects: Objects, settings: Settings) -> None:
    assert _seconds_until_noticed(objects.main["readinessProbe"]) <= settings.seconds("DRAIN_DELAY")


def test_the_service_knows_every_variable(objects: Objects, settings: Settings) -> None:
    assert {variable["name"] for container in objects.containers for variable in container.get("env", [])} <= settings.known


def test_containers_have_no_rights_and_write_nowhere(manifests: Manifests, objects: Objects) -> None:
    user, group = re.findall(r"(?m)^USER (\d+):(\d+)$", manifests.rendering.texts["Dockerfile"])[0]

    assert objects.pod["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(user),
        "runAsGroup": int(group),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in objects.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert objects.pod["spec"]["enableServiceLinks"] is False


def test_memory_is_limited_and_cpu_is_not(objects: Objects) -> None:
    for container in objects.containers:
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert set(container["resources"]["limits"]) == {"memory"}
    limit = {"name": "MEMORY_LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}}
    assert limit in objects.main["env"]


def test_admin_port_is_for_monitoring_only(manifests: Manifests, objects: Objects) -> None:
    *public, monitoring = objects["NetworkPolicy"]["spec"]["ingress"]

    assert public == [{"ports": [{"port": name}]} for name in manifests.listeners]
    assert monitoring["ports"] == [{"port": "admin"}]
    assert monitoring["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]


def test_the_service_may_call_what_it_needs(manifests: Manifests, objects: Objects) -> None:
    policy = objects["NetworkPolicy"]["spec"]
    needs = {53, *([manifests.dependency.port] if manifests.dependency else []), *([4317] if manifests.has_tracing else [])}

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == needs


def test_no_secret_is_in_a_file(manifests: Manifests, objects: Objects) -> None:
    assert "Secret" not in objects.kinds
    assert [path for path, text in manifests.files.items() if "://" in text] == []


class TestAlone:
    """What needs no server: each replica would have data, or jobs, of its own."""

    @pytest.fixture(params=variants_that_need(None), ids=str)
    def manifests(self, request: pytest.FixtureRequest, shared: Shared) -> Manifests:
        return Manifests(render_variant(shared, request.param), shared)

    def test_there_is_one_replica(self, manifests: Manifests, objects: Objects) -> None:
        spec = objects["Deployment"]["spec"]

        assert objects.kinds - {"Namespace"} == kinds_of_all(manifests)
        assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})

    def test_pods_need_nothing_else(self, objects: Objects) -> None:
        assert not {"initContainers", "volumes"} & set(objects.pod["spec"])


class TestWithDependency:
    """Replicas share a database, or the messages of a broker, and need its server."""

    @pytest.fixture(params=variants_that_need("database", "broker"), ids=str)
    def manifests(self, request: pytest.FixtureRequest, shared: Shared) -> Manifests:
        return Manifests(render_variant(shared, request.param), shared)

    def test_there_are_several_replicas(self, manifests: Manifests, objects: Objects) -> None:
        spec, budget = objects["Deployment"]["spec"], objects["PodDisruptionBudget"]["spec"]

        assert objects.kinds - {"Namespace"} == kinds_of_all(manifests) | OF_SEVERAL_REPLICAS
        assert "replicas" not in spec
        assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")

    def test_autoscaler_scales_the_deployment(self, objects: Objects) -> None:
        spec, deployment = objects["HorizontalPodAutoscaler"]["spec"], objects["Deployment"]

        assert spec["scaleTargetRef"] == {
            "apiVersion": deployment["apiVersion"],
            "kind": deployment["kind"],
            "name": deployment["metadata"]["name"],
        }
        assert 1 <= spec["minReplicas"] < spec["maxReplicas"]
        assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] >= 300

    def test_time_to_start_is_enough(self, objects: Objects, settings: Settings) -> None:
        assert _seconds_until_noticed(objects.main["startupProbe"]) > settings.seconds("START_TIMEOUT")

    def test_the_url_comes_from_a_mounted_secret(self, manifests: Manifests, objects: Objects) -> None:
        (volume,) = objects.pod["spec"]["volumes"]
        needed = manifests.dependency

        assert needed
        assert volume["secret"] == {"secretName": f"{manifests.name}-{needed.kind}"}
        for container in objects.containers:
            (mount,) = container["volumeMounts"]
            assert mount == {"name": volume["name"], "mountPath": mount["mountPath"], "readOnly": True}
            assert {"name": f"{needed.variable}_FILE", "value": f"{mount['mountPath']}/url"} in container["env"]


class TestWithDatabase:
    """What only a database asks for."""

    @pytest.fixture(params=variants_that_need("database"), ids=str)
    def manifests(self, request: pytest.FixtureRequest, shared: Shared) -> Manifests:
        return Manifests(render_variant(shared, request.param), shared)

    def test_replicas_open_no_more_connections_than_there_are(
        self, manifests: Manifests, objects: Objects, settings: Settings
    ) -> None:
        most = objects["HorizontalPodAutoscaler"]["spec"]["maxReplicas"]
        most += objects["Deployment"]["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        listening = int(manifests.rendering.variant.template == "go-grpc-service")

        assert most * (settings.number("DATABASE_MAX_CONNS") + listening) <= CONNECTIONS

    def test_every_pod_migrates_before_it_serves(self, objects: Objects) -> None:
        (migrate,) = objects.pod["spec"]["initContainers"]

        assert migrate["args"] == ["migrate"]
        assert migrate["image"] == objects.main["image"]


class TestWithBroker:
    """What only a broker asks for."""

    @pytest.fixture(params=variants_that_need("broker"), ids=str)
    def manifests(self, request: pytest.FixtureRequest, shared: Shared) -> Manifests:
        return Manifests(render_variant(shared, request.param), shared)

    def test_nothing_goes_before_the_worker(self, objects: Objects) -> None:
        assert "initContainers" not in objects.pod["spec"]


class TestWithTLS:
    """What the README of a gRPC service says to put into an overlay for TLS."""

    @pytest.fixture(params=[one for one in variants_with_manifests() if one.template == "go-grpc-service"], ids=str)
    def manifests(self, request: pytest.FixtureRequest, shared: Shared) -> Manifests:
        return Manifests(render_variant(shared, request.param), shared)

    @pytest.fixture
    def objects(self, manifests: Manifests, tmp_path: Path) -> Objects:
        """An overlay of an overlay, with that patch."""
        (patch,) = re.findall(r"(?ms)^```yaml\n(.*?)^```\n", manifests.rendering.texts["README.md"])
        place = tmp_path / "kubernetes"
        shutil.copytree(manifests.path, place)
        tls = place / "overlays/tls"
        tls.mkdir()
        (tls / "patch.yaml").write_text(patch, encoding="utf-8")
        (tls / "kustomization.yaml").write_text("resources: [../production]\npatches: [{path: patch.yaml}]\n", encoding="utf-8")
        built = kustomize(tls)
        assert built.status == 0, built
        return parsed(built.output)

    def test_the_files_are_in_a_mounted_secret(self, manifests: Manifests, objects: Objects) -> None:
        given = {variable["name"]: variable.get("value") for variable in objects.main["env"]}
        (mount,) = (mount for mount in objects.main["volumeMounts"] if mount["name"] == "tls")

        assert [volume["secret"]["secretName"] for volume in objects.pod["spec"]["volumes"] if volume["name"] == "tls"] == [
            f"{manifests.name}-tls"
        ]
        assert mount == {"name": "tls", "mountPath": mount["mountPath"], "readOnly": True}
        assert {name: value for name, value in given.items() if name.startswith("TLS_")} == {
            "TLS_CERT_FILE": f"{mount['mountPath']}/tls.crt",
            "TLS_KEY_FILE": f"{mount['mountPath']}/tls.key",
            "TLS_CLIENT_CA_FILE": f"{mount['mountPath']}/ca.crt",
        }

    def test_the_service_knows_every_variable(self, objects: Objects, settings: Settings) -> None:
        assert {variable["name"] for variable in objects.main["env"]} <= settings.known

    def test_nothing_else_changes(self, manifests: Manifests, objects: Objects) -> None:
        before = manifests.overlay("production")

        assert {*_named(before.main["env"])} <= {*_named(objects.main["env"])}
        assert {*_named(before.pod["spec"].get("volumes", []))} <= {*_named(objects.pod["spec"]["volumes"])}
        assert [one for one in objects if one["kind"] != "Deployment"] == [one for one in before if one["kind"] != "Deployment"]


@pytest.mark.parametrize("overlay", OVERLAYS)
class TestOverlay:
    """What the overlays add to the base."""

    def test_everything_is_in_the_namespace_of_the_overlay(self, overlay: str, manifests: Manifests) -> None:
        built = manifests.overlay(overlay)
        namespace = f"{manifests.name}-{overlay}"

        assert built["Namespace"]["metadata"]["name"] == namespace
        assert {document["metadata"].get("namespace", namespace) for document in built} == {namespace}

    def test_the_namespace_enforces_the_restricted_standard(self, overlay: str, manifests: Manifests) -> None:
        labels = manifests.overlay(overlay)["Namespace"]["metadata"]["labels"]

        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"

    def test_one_released_image_is_named(self, overlay: str, manifests: Manifests) -> None:
        images = {container["image"] for container in manifests.overlay(overlay).containers}

        assert len(images) == 1
        assert re.fullmatch(r"\S+/user-service:v\d+\.\d+\.\d+", images.pop())

    def test_every_patch_changes_something(self, overlay: str, manifests: Manifests) -> None:
        base, built = manifests.build("base"), manifests.overlay(overlay)
        patches = [path for path in manifests.files if path.startswith(f"deploy/kubernetes/overlays/{overlay}/")]

        for document in [yaml.safe_load(manifests.files[path]) for path in patches]:
            if document["kind"] in base.kinds:
                assert _spec(built[document["kind"]]) != _spec(base[document["kind"]])


def kinds_of_all(manifests: Manifests) -> set[str]:
    """The kinds of objects that do not depend on the answers."""
    return OF_ALL | (OF_A_LISTENER if manifests.listeners else set())


def _named(items: list[Any]) -> list[str]:
    return [item["name"] for item in items]


def _spec(document: Any) -> Any:
    """An object's specification, apart from the image."""
    return yaml.safe_load(re.sub(r"(?m)^(\s*-? image:).*$", r"\1", yaml.safe_dump(document["spec"])))


def _seconds_until_noticed(probe: Any) -> int:
    return int(probe["periodSeconds"] * probe["failureThreshold"])
