"""The machine's package sources, in both formats, and which of them leads to the Debian archive."""

import os
from pathlib import Path

import pytest

from tests.cluster import Progress, SetupError
from tests.cluster.machine import apt
from tests.cluster.machine.apt import Source, archive, is_debian, machine_sources, parse_deb822, parse_one_line

SILENT = Progress(lambda _: None, live=False)
KEYRING = "/usr/share/keyrings/example.gpg"


def test_one_line_sources_are_read_with_their_options() -> None:
    text = f"""
# deb http://commented.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib  # the archive
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by={KEYRING}] http://signed.example/debian trixie main
"""
    assert parse_one_line(text) == [
        Source("http://mirror.example/debian", "bookworm", ("main", "contrib")),
        Source("http://signed.example/debian", "trixie", ("main",), KEYRING),
    ]


def test_one_line_source_without_components_is_read() -> None:
    assert parse_one_line("deb http://mirror.example/flat ./") == [Source("http://mirror.example/flat", "./", ())]


def test_deb822_stanzas_are_read_for_each_address_and_suite() -> None:
    text = f"""Types: deb deb-src
# where from
URIs: http://one.example/debian http://two.example/debian
Suites: bookworm bookworm-updates
Components: main non-free-firmware
Signed-By: {KEYRING}

Types: deb-src
URIs: http://three.example/debian
Suites: bookworm
Components: main
"""
    sources = parse_deb822(text)
    assert [(source.uri, source.suite) for source in sources] == [
        ("http://one.example/debian", "bookworm"),
        ("http://one.example/debian", "bookworm-updates"),
        ("http://two.example/debian", "bookworm"),
        ("http://two.example/debian", "bookworm-updates"),
    ]
    assert {source.signed_by for source in sources} == {KEYRING}


def test_disabled_stanza_is_left_out() -> None:
    assert parse_deb822("Types: deb\nURIs: http://a.example/debian\nSuites: sid\nEnabled: no\n") == []


def test_embedded_key_is_not_taken_for_a_file() -> None:
    text = (
        "Types: deb\nURIs: http://a.example/debian\nSuites: sid\nComponents: main\nSigned-By:\n -----BEGIN\n .\n abc\n"
    )
    assert parse_deb822(text) == [Source("http://a.example/debian", "sid", ("main",))]


def test_both_formats_of_a_machine_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://a.example/debian bookworm main\n")
    (tmp_path / "sources.list.d/b.sources").write_text("Types: deb\nURIs: http://b.example\nSuites: x\n")
    (tmp_path / "sources.list.d/c.list").write_text("deb http://c.example/debian bookworm main\n")
    (tmp_path / "sources.list.d/d.list.disabled").write_text("deb http://d.example/debian bookworm main\n")
    assert [source.uri for source in machine_sources(tmp_path)] == [
        "http://a.example/debian",
        "http://c.example/debian",
        "http://b.example",
    ]


def test_archive_is_neither_security_nor_updates_nor_another_vendors() -> None:
    sources = [
        Source("http://vendor.example/apt", "stable", ("main",)),
        Source("http://mirror.example/debian-security", "bookworm-security", ("main",)),
        Source("http://mirror.example/debian", "bookworm-updates", ("main",)),
        Source("http://mirror.example/debian/", "bookworm", ("main",)),
    ]
    assert archive(sources) == sources[-1]


def test_machine_without_a_debian_archive_is_offered_alternatives() -> None:
    with pytest.raises(SetupError, match="no Debian archive") as caught:
        archive([Source("http://vendor.example/ubuntu", "noble", ("main",))])
    assert "kind" in caught.value.remedy


@pytest.mark.parametrize(("text", "expected"), [("ID=debian\n", True), ('ID="debian"\n', True), ("ID=fedora\n", False)])
def test_debian_is_known_by_its_os_release(tmp_path: Path, text: str, expected: bool) -> None:
    file = tmp_path / "os-release"
    file.write_text(text)
    assert is_debian(file) is expected


def test_programs_that_are_there_need_no_installation() -> None:
    apt.install_missing({"sh": "dash", "/etc": "base-files"}, SILENT)


def test_missing_programs_without_root_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(apt, "is_debian", lambda: True)
    with pytest.raises(SetupError, match="missing on this machine: some-package") as caught:
        apt.install_missing({"no-such-program": "some-package"}, SILENT)
    assert caught.value.remedy == "run as root: apt-get install --no-install-recommends some-package"


def test_missing_programs_on_another_system_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "is_debian", lambda: False)
    with pytest.raises(SetupError, match="some-package") as caught:
        apt.install_missing({"no-such-program": "some-package"}, SILENT)
    assert "package manager" in caught.value.remedy
