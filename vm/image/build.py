"""Building an image: packages into a tree, the tree into a file system, the file system into a compressed disk.

images/.build-NAME-…/    root/ payload.tar sources log out/ disk.raw image/     removed at the end, however it ends
cache/apt/               packages that were downloaded, for the next build and for one that was interrupted
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import secrets
import shutil
import time
import uuid
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.errors import UserFault
from agent.session import data_home
from vm.image import store
from vm.image.archive import apt_options, dated_sources, host_sources, states
from vm.image.kernel import extract_kernel
from vm.image.likeness import check_like
from vm.image.namespace import as_root, check_builder
from vm.image.recipe import ARCHITECTURE, RECIPE, SUITE, figures, fingerprint, layers_of, packages, trims
from vm.image.steps import Steps, start_steps
from vm.qemu.snapshot import prune

Say = Callable[[str], None]
_NAMESPACE = uuid.UUID("5d3f6b0e-6f0b-4a53-9b5e-2d8c6a0f7b11")  # of file system ids, which are the same each time


@dataclass(frozen=True, slots=True)
class _Job:
    """One build: what, from where, and in which folders."""

    name: str
    layers: tuple[str, ...]
    archive: str | None
    work: Path
    cache: Path
    began: float

    @property
    def root(self) -> Path:
        return self.work / "root"

    @property
    def recipe(self) -> Path:
        """A copy: whoever changes the recipe meanwhile changes the next image."""
        return self.work / "recipe"

    @property
    def out(self) -> Path:
        return self.work / "out"

    @property
    def image(self) -> Path:
        return self.work / "image"


def build_image(name: str, *, say: Say, archive: str | None = None, like: Path | None = None) -> store.Image:
    """Build an image from nothing, and put it in place of an older one of its name.

    Args:
        say: is told what is going on, a line at a time, with sizes and seconds.
        archive: address of a dated state of Debian's archive; this machine's own sources otherwise.
        like: a packages.txt of an earlier build that this one must equal.

    Raises:
        UserFault: it cannot be built here, or came out unlike `like`. What was downloaded is kept.
    """
    layers = layers_of(name)
    _check_machine(like)
    home = store.images_home()
    _make_folders(home, data_home() / "cache" / "apt")
    with _alone(data_home() / "cache" / "build.lock"), start_steps(data_home() / "cache", say) as steps:
        _remove_dead(home, steps)
        work = home / f".build-{name}-{secrets.token_hex(4)}"
        job = _Job(name, layers, archive, work, data_home() / "cache" / "apt", time.monotonic())
        _announce(job, say)
        work.mkdir(mode=0o755)
        try:
            image = _build(job, steps, like)
        finally:
            remove(work, steps)
        _forget_superseded(job.cache, image.packages)
        return image


def remove(folder: Path, steps: Steps) -> None:
    """Remove a folder with files of subordinate uids in it."""
    if folder.exists():
        steps.run(as_root(["rm", "-rf", "--one-file-system", str(folder)]), "removing what is not needed")


def _build(job: _Job, steps: Steps, like: Path | None) -> store.Image:
    _install(job, steps)
    if like:
        check_like(job.out / "packages.txt", like)
    found = states(job.out / "releases")
    epoch = max(state.epoch for state in found)
    identity = str(uuid.uuid5(_NAMESPACE, job.name))
    disk = ["sh", "-eu", str(job.recipe / "disk.sh"), str(job.work), str(job.root), str(epoch), identity]
    steps.run(as_root(disk), "making the file system")
    job.image.mkdir()
    convert = ["qemu-img", "convert", "-c", "-m", "8", "-W", "-O", "qcow2", "-o", "compression_type=zstd"]
    target = job.image / store.DISK
    steps.run([*convert, str(job.work / "disk.raw"), str(target)], "compressing the disk", growing=target)
    extract_kernel(job.out / "vmlinuz", job.image / store.KERNEL)
    shutil.move(job.out / "initrd.img", job.image / store.INITRD)
    shutil.copyfile(job.out / "packages.txt", job.image / store.PACKAGES)
    _write_manifest(job, [asdict(state) for state in found])
    return _put_in_place(job, steps)


def _install(job: _Job, steps: Steps) -> None:
    shutil.copytree(RECIPE, job.recipe)
    (job.work / "payload.tar").write_bytes(_payload())
    sources = dated_sources(job.archive) if job.archive else host_sources()
    written = job.work / "debian.sources"
    written.write_text("\n".join(map(str, sources)))
    (job.work / "trim").write_text("\n".join(trims(job.recipe)) + "\n")
    expected = figures(job.name)
    steps.install(
        as_root(_mmdebstrap(job, [str(written)] if sources else [])),
        cache=job.cache,
        database=job.root / "var/lib/dpkg/info",
        expected=expected,
        environment={"INITRD": "No"},  # it is made once, at the end
    )


def _mmdebstrap(job: _Job, mirrors: list[str]) -> list[str]:
    wanted = ",".join(package.name for layer in job.layers for package in packages(layer, job.recipe))
    archives = "$1/var/cache/apt/archives"
    finish = ["sh", "-eu", job.recipe / "finish.sh", job.recipe, job.work]
    return [
        "mmdebstrap",
        "--mode=root",  # of our own namespace
        "--variant=minbase",
        "--format=directory",
        f"--architectures={ARCHITECTURE}",
        f"--include={wanted}",
        "--dpkgopt=force-unsafe-io",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Sandbox::User "root"',
        *apt_options(),
        "--skip=essential/unlink,cleanup/apt/cache,cleanup/apt/lists",
        f'--setup-hook=mkdir -p "{archives}" && mount --bind {_quoted(job.cache)} "{archives}"',
        f'--extract-hook=cp {_quoted(job.work / "trim")} "$1/etc/dpkg/dpkg.cfg.d/trim"',
        f'--customize-hook={" ".join(map(_quoted, finish))} "$1" {" ".join(job.layers)}',
        SUITE,
        str(job.root),
        *mirrors,
    ]


def _quoted(word: object) -> str:
    return "'" + str(word).replace("'", "'\\''") + "'"


def _payload() -> bytes:
    from vm.guest.payload import payload

    return payload()


def _write_manifest(job: _Job, archive: list[dict[str, str]]) -> None:
    manifest = {
        "v": store.VERSION,
        "name": job.name,
        "layers": job.layers,
        "suite": SUITE,
        "archive": archive,
        "built": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "bytes": {file: (job.image / file).stat().st_size for file in store.FILES},
        "sha256": {file: store.checksum(job.image / file) for file in store.FILES},
        "recipe": fingerprint(job.name, job.recipe),
        "seconds": round(time.monotonic() - job.began, 1),
    }
    (job.image / store.MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    for file in (*store.FILES, store.MANIFEST):
        (job.image / file).chmod(0o444)


def _put_in_place(job: _Job, steps: Steps) -> store.Image:
    target = store.images_home() / job.name
    if target.exists():
        store.exchange(job.image, target)  # the older one is in the working folder now, which is removed
    else:
        job.image.rename(target)
    image = store.read_image(target)
    prune(job.name)  # snapshots of the older image, which nothing would ever use again
    took, size = time.monotonic() - job.began, sum(image.bytes.values()) / 1e6
    steps.say(f"image {job.name}: {size:.0f} MB in {took:.0f} s, {_count(image.packages)} packages, in {target}")
    return image


def _count(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


# Before anything is done -------------------------------------------------------------------------------------------


def _check_machine(like: Path | None) -> None:
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "AMD64"):
        here = f"{platform.system()} on {platform.machine()}"
        raise UserFault(f"images are built on Linux on x86_64, and this is {here}; build on such a machine, and copy")
    if like and not like.is_file():
        raise UserFault(f"{like} is no file; give the packages.txt of an image that was built")
    check_builder()


def _make_folders(home: Path, cache: Path) -> None:
    try:
        for folder in (data_home(), home, cache.parent, cache, cache / "partial"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserFault(
            f"cannot write to {data_home()} ({error.strerror}); set DESKHAND_HOME to a folder that you can write to"
        ) from None


def _announce(job: _Job, say: Say) -> None:
    expected = figures(job.name)
    here = sum(path.stat().st_size for path in job.cache.glob("*.deb")) / 1e6
    say(
        f"building {job.name}: about {expected.packages} packages, {expected.download_mb} MB to download"
        + (f" (of that up to {here:.0f} MB are here already)" if here >= 1 else "")
        + f", {expected.disk_mb} MB of disk while it is built, {expected.image_mb} MB in the end,"
        f" about {expected.seconds} s where the network is fast"
    )
    free = shutil.disk_usage(job.cache).free / 1e6
    needed = expected.disk_mb + max(0.0, expected.download_mb - here)
    if free < needed:
        raise UserFault(
            f"building {job.name} takes {needed:.0f} MB, and {data_home()} has {free:.0f} MB free;"
            " make room, or set DESKHAND_HOME to a folder on a larger disk"
        )


@contextlib.contextmanager
def _alone(lock: Path) -> Generator[None, None, None]:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserFault("another image is being built; wait until it is done") from None
        yield
    finally:
        os.close(descriptor)


def _remove_dead(home: Path, steps: Steps) -> None:
    for folder in home.glob(".build-*"):
        remove(folder, steps)


def _forget_superseded(cache: Path, listed: Path) -> None:
    """Of packages that this image has, keep only the version that it has."""
    versions = {tuple(line.split()[:2]) for line in listed.read_text("utf-8").splitlines()}
    names = {name for name, _ in versions}
    for deb in cache.glob("*.deb"):
        name, version, *_ = deb.name.split("_")
        if name in names and (name, version.replace("%3a", ":")) not in versions:
            deb.unlink()
