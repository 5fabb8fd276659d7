"""Where Debian's packages come from: this machine's own sources, or an address that the user gives.

Only Debian's own suites are taken, whatever else the machine has. No address is kept in an image or in its manifest:
what the archive said of its own state (suite, date, checksum of its Release) says the same anywhere.
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from agent.errors import UserFault
from vm.image.recipe import SUITE

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_APT = Path("/etc/apt")
_SUITES = (SUITE, f"{SUITE}-updates", f"{SUITE}-security")
_PATHS = ("/debian", "/debian-security")
_OPTIONS = ("::proxy", "::proxy-auto-detect", "acquire::check-valid-until", "acquire::check-date", "acquire::retries")
_KEPT = {"signed-by": "Signed-By", "check-valid-until": "Check-Valid-Until"}


@dataclass(frozen=True, slots=True)
class Source:
    """One archive: its addresses, suites, and options of apt for it."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    options: Mapping[str, str]

    def __str__(self) -> str:
        fields = {"Types": "deb", "URIs": " ".join(self.uris), "Suites": " ".join(self.suites), "Components": "main"}
        return "".join(f"{name}: {value}\n" for name, value in {**fields, **self.options}.items())


@dataclass(frozen=True, slots=True)
class State:
    """What an archive said of itself: `date` as it wrote it, `sha256` of its (In)Release file in hex."""

    suite: str
    date: str
    sha256: str

    @property
    def epoch(self) -> int:
        """`date` in seconds since 1970."""
        return int(parsedate_to_datetime(self.date.replace("UTC", "+0000")).timestamp())


def host_sources(apt: Path = _APT) -> list[Source]:
    """Debian's suites among this machine's sources; empty where it has none, as on another system."""
    return [kept for source in _all_sources(apt) if (kept := _debian(source))]


def dated_sources(address: str) -> list[Source]:
    """A state of the archive at an address such as `https://HOST/…/debian/20250520T000000Z/`.

    Its security updates are looked for where `debian-security` stands in place of `debian`.

    Raises:
        UserFault: it is no address.
    """
    if urlsplit(address).scheme not in ("http", "https", "file"):
        raise UserFault(f"{address!r} is no address of an archive; it begins with http://, https:// or file://")
    options = {"Check-Valid-Until": "no", **({"Signed-By": str(KEYRING)} if KEYRING.exists() else {})}
    found = [Source((address,), _SUITES[:2], options)]
    path = urlsplit(address).path.split("/")
    if "debian" in path:
        swapped = "/".join("debian-security" if part == "debian" else part for part in path)
        found.append(Source((urlsplit(address)._replace(path=swapped).geturl(),), _SUITES[2:], options))
    return found


def apt_options() -> list[str]:
    """This machine's settings of apt that say how the archive is reached, as options for mmdebstrap."""
    try:
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    lines = (line.strip() for line in dump.splitlines() if line.lower().startswith("acquire::"))
    wanted = [line for line in lines if line.split(" ", 1)[0].lower().endswith(_OPTIONS) and not line.endswith('"";')]
    return [f"--aptopt={line.rstrip(';')}" for line in wanted]


def states(folder: Path) -> list[State]:
    """What the archives said of themselves, of the Release files in a folder, by suite."""
    files = [path for path in folder.iterdir() if path.name.endswith("Release")]
    return sorted((_state(path) for path in files), key=lambda state: state.suite)


def _state(path: Path) -> State:
    content = path.read_bytes()
    fields = dict(line.split(": ", 1) for line in content.decode("utf-8", "replace").splitlines() if ": " in line[:40])
    suite = fields.get("Codename", fields.get("Suite", "?"))
    return State(suite, fields.get("Date", ""), hashlib.sha256(content).hexdigest())


def _debian(source: Source) -> Source | None:
    suites = tuple(suite for suite in source.suites if suite in _SUITES)
    uris = tuple(uri for uri in source.uris if urlsplit(uri).path.rstrip("/").endswith(_PATHS))
    signed = source.options.get("Signed-By", "")
    if not suites or (not uris and "debian-archive" not in signed):
        return None
    if not signed and KEYRING.exists():
        return Source(uris, suites, {**source.options, "Signed-By": str(KEYRING)})
    return Source(uris or source.uris, suites, source.options)


def _all_sources(apt: Path) -> Iterator[Source]:
    parts = apt / "sources.list.d"
    for path in (apt / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))):
        if path.is_file():
            text = path.read_text("utf-8", "replace")
            yield from _deb822(text) if path.suffix == ".sources" else _one_line(text.splitlines())


def _deb822(text: str) -> Iterator[Source]:
    for stanza in text.split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace() and name:
                fields[name] += "\n" + line
            elif ":" in line and not line.startswith("#"):
                name, _, value = line.partition(":")
                name = name.lower()
                fields[name] = value.strip()
        words = {name: tuple(value.split()) for name, value in fields.items()}
        off = fields.get("enabled", "yes").lower() in ("no", "false", "off", "0")
        if "deb" in words.get("types", ()) and "main" in words.get("components", ()) and not off:
            kept = {_KEPT[name]: value for name, value in fields.items() if name in _KEPT}
            yield Source(words.get("uris", ()), words.get("suites", ()), kept)


def _one_line(lines: Iterable[str]) -> Iterator[Source]:
    for line in lines:
        kind, _, rest = line.partition("#")[0].strip().partition(" ")
        if kind != "deb":
            continue
        written, bracket, after = rest.strip().removeprefix("[").partition("]")
        options, words = (written, after) if rest.strip().startswith("[") and bracket else ("", rest)
        parts = words.split()
        if len(parts) >= 3 and "main" in parts[2:]:
            pairs = (option.partition("=") for option in shlex.split(options))
            kept = {_KEPT[name.lower()]: value for name, _, value in pairs if name.lower() in _KEPT}
            yield Source((parts[0],), (parts[1],), kept)
