"""Which cluster is used, and what the error says where there is none."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cluster import Progress, SetupError
from tests.cluster.__main__ import main
from tests.cluster.backends import GivenCluster, choose, container_engine
from tests.cluster.node.layout import MAX_STATE_PATH
from tests.cluster.node.lifecycle import node_down, node_up

SILENT = Progress(lambda _: None, live=False)


def nothing_answers(args: Sequence[str]) -> bool:
    return False


def podman_answers(args: Sequence[str]) -> bool:
    return args[0] == "podman"


def on_path(name: str) -> str | None:
    return f"/usr/bin/{name}"


def not_on_path(name: str) -> str | None:
    return None


def test_kubeconfig_wins_over_kind_and_the_bare_node() -> None:
    kind, reason = choose({"KUBECONFIG": "/a/file", "HOME": "/h"}, engine_answers=podman_answers, which=on_path)
    assert (kind, reason) == ("kubeconfig", "KUBECONFIG is set to /a/file")


def test_empty_kubeconfig_counts_as_unset() -> None:
    assert choose({"KUBECONFIG": ""}, engine_answers=nothing_answers, which=on_path)[0] == "node"


@pytest.mark.parametrize(("file", "expected"), [("cluster-state/kubeconfig", "node"), ("kind/kubeconfig", "kind")])
def test_kubeconfig_that_up_has_printed_still_means_that_cluster(file: str, expected: str) -> None:
    environ = {"KUBECONFIG": f"/cache/{file}", "SKYVERN_CACHE_DIR": "/cache"}
    assert choose(environ, engine_answers=nothing_answers, which=not_on_path)[0] == expected


def test_kind_is_used_where_an_engine_answers() -> None:
    assert choose({}, engine_answers=podman_answers, which=on_path)[0] == "kind"


def test_engine_without_kind_is_not_enough() -> None:
    kind, reason = choose({}, engine_answers=podman_answers, which=not_on_path)
    assert kind == "node"
    assert "kind is not on PATH" in reason


def test_installed_engine_that_does_not_answer_is_not_used() -> None:
    assert choose({}, engine_answers=nothing_answers, which=on_path) == ("node", "no container engine answers")


def test_docker_is_preferred_to_podman() -> None:
    assert container_engine(lambda args: True) == "docker"
    assert container_engine(podman_answers) == "podman"


def test_bare_node_without_root_offers_alternatives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match="needs root") as caught:
        node_up(tmp_path, tmp_path / "state", SILENT)
    assert "KUBECONFIG" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_taking_down_the_bare_node_needs_root_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match="needs root"):
        node_down(tmp_path, SILENT)


def test_kubeconfig_that_does_not_exist_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(SetupError, match=f"KUBECONFIG is set to {missing}, which does not exist"):
        GivenCluster(str(missing), Path).up(SILENT)


def test_images_for_a_given_cluster_are_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be put on the nodes") as caught:
        GivenCluster(str(tmp_path), Path).load_images([])
    assert "registry" in caught.value.remedy


def test_command_line_prints_errors_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/no/such/file")
    assert main(["up"]) == 1
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "error: KUBECONFIG is set to /no/such/file, which does not exist",
        "  correct it, or unset it",
    ]


def test_status_without_a_cluster_exits_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/no/such/file")
    assert main(["status"]) == 3


def test_longest_state_path_leaves_room_for_the_kubelets_sockets() -> None:
    assert MAX_STATE_PATH + len("/kubelet/pod-resources/1234567890.sock") < 107
