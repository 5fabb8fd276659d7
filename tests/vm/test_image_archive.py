"""Which archive an image is built from."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from agent.errors import UserFault
from vm.image import archive
from vm.image.archive import apt_options, dated_sources, host_sources, states

DEB822 = """\
Types: deb deb-src
# comment
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://mirror.test/debian-security/
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF

Enabled: no
Types: deb
URIs: http://off.test/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://vendor.test/apt
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/vendor.gpg
"""

ONE_LINE = """\
# deb http://comment.test/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://one.test/debian bookworm main non-free
deb-src http://one.test/debian bookworm main
deb http://vendor.test/linux/debian bookworm stable
deb http://vendor.test/packages bookworm main
deb http://old.test/debian bullseye main
"""


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_debians_own_suites_are_taken_and_nothing_else(apt: Path) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    (apt / "sources.list").write_text(ONE_LINE)
    (apt / "sources.list.d" / "off.sources.disabled").write_text(DEB822)
    found = [(source.uris, source.suites) for source in host_sources(apt)]
    assert found == [
        (("http://one.test/debian",), ("bookworm",)),
        (("http://mirror.test/debian",), ("bookworm", "bookworm-updates")),
        (("https://mirror.test/debian-security/",), ("bookworm-security",)),
    ]


def test_sources_are_written_as_apt_reads_them(apt: Path) -> None:
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    plain, embedded = host_sources(apt)
    assert str(plain) == (
        "Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    )
    assert "Signed-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n" in str(embedded)


def test_another_system_has_none(apt: Path) -> None:
    (apt / "sources.list").write_text("deb http://mirror.test/ubuntu noble main\n")
    assert host_sources(apt) == []


def test_a_dated_state_takes_the_place_of_all_others() -> None:
    main, security = dated_sources("https://dated.test/archive/debian/20250520T000000Z/")
    assert main.suites == ("bookworm", "bookworm-updates")
    assert security.uris == ("https://dated.test/archive/debian-security/20250520T000000Z/",)
    assert security.suites == ("bookworm-security",)
    assert "Check-Valid-Until: no\n" in str(main) and "Check-Valid-Until: no\n" in str(security)
    assert len(dated_sources("file:///srv/mirror")) == 1
    with pytest.raises(UserFault, match="no address of an archive"):
        dated_sources("20250520")


def test_how_the_archive_is_reached_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apt-config").write_text(
        "#!/bin/sh\ncat <<'E'\n"
        'APT::Install-Recommends "true";\nAcquire::http::Proxy "http://proxy.test:3128/";\nAcquire::https::Proxy "";\n'
        'Acquire::Check-Valid-Until "false";\nAcquire::GzipIndexes "true";\nE\n'
    )
    (tmp_path / "apt-config").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert apt_options() == [
        '--aptopt=Acquire::http::Proxy "http://proxy.test:3128/"',
        '--aptopt=Acquire::Check-Valid-Until "false"',
    ]
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert apt_options() == []


def test_what_the_archive_said_of_itself_is_kept(tmp_path: Path) -> None:
    release = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\nSuite: oldstable\n" + (
        b"Codename: bookworm\nDate: Sat, 11 Jul 2026 10:16:37 UTC\nSHA256:\n 00 12 main/x\n"
    )
    (tmp_path / "mirror.test_dists_bookworm_InRelease").write_bytes(release)
    (tmp_path / "mirror.test_dists_bookworm-updates_Release").write_bytes(release.replace(b": bookworm", b": b-up"))
    (tmp_path / "lock").touch()
    updates, main = states(tmp_path)
    assert (main.suite, main.date, main.epoch) == ("bookworm", "Sat, 11 Jul 2026 10:16:37 UTC", 1783764997)
    assert main.sha256 == hashlib.sha256(release).hexdigest() != updates.sha256
    assert not any("mirror" in str(state) for state in (main, updates)), "no address is kept"


def test_without_a_signature_named_the_archives_own_is_wanted(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "KEYRING", apt / "keyring.gpg")
    (apt / "keyring.gpg").touch()
    (apt / "sources.list").write_text("deb http://plain.test/debian bookworm main\n")
    (found,) = host_sources(apt)
    assert found.options == {"Signed-By": str(apt / "keyring.gpg")}
