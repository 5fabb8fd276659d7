# Run by sh -eu as root of a namespace of its own, after mmdebstrap has installed the packages.
#   build.sh RECIPE WORK ROOT LAYER…
# WORK/payload.tar is the guest's code. Leaves in WORK/out: Release files, packages.txt, vmlinuz, initrd.img.
recipe="$1" work="$2" root="$3"
shift 3

umount "$root/var/cache/apt/archives"
mkdir -p "$work/out/releases"
cp "$root"/var/lib/apt/lists/*Release "$work/out/releases/"

for layer in "$@"; do
    tar -C "$recipe/$layer/overlay" -c --mode=u+rwX,go+rX,go-w . | tar -C "$root" -x --keep-directory-symlink --no-overwrite-dir --no-same-owner
done
for layer in "$@"; do
    echo "DESKHAND customizing $layer"
    chroot "$root" /bin/sh -eu -s < "$recipe/$layer/customize.sh"
done
tar -C "$root/opt/deskhand" -x --no-same-owner -f "$work/payload.tar"
chown -R 1000:1000 "$root/home/user"

echo "DESKHAND making the initrd"
version="$(ls "$root/lib/modules")"
chroot "$root" depmod "$version"
chroot "$root" update-initramfs -c -k "$version" >/dev/null
mv "$root/boot/initrd.img-$version" "$work/out/initrd.img"
mv "$root/boot/vmlinuz-$version" "$work/out/vmlinuz"
chmod 0644 "$work/out/initrd.img" "$work/out/vmlinuz"
chroot "$root" dpkg-query -W -f '${Package} ${Version} ${Architecture}\n' | LC_ALL=C sort > "$work/out/packages.txt"

# The essential packages were unpacked before dpkg knew what to leave out.
rm -rf "$root"/usr/share/man/* "$root"/usr/share/info/*
find "$root/usr/share/locale" -mindepth 1 -maxdepth 1 ! -name 'en*' ! -name locale.alias -exec rm -rf {} +
find "$root/usr/share/doc" ! -type d ! -name copyright -delete

# Nothing of how and where it was built.
rm -rf "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/var/cache/apt/* \
    "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap \
    "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/var/cache/man "$root"/var/backups/* \
    "$root"/root/.[a-z]*_history "$root"/etc/ssh/ssh_host_* "$root"/var/lib/systemd/random-seed
mkdir -p "$root/var/log/journal" "$root/var/lib/apt/lists/partial" "$root/var/cache/apt/archives/partial"
rmdir "$root/var/log/journal"
: > "$root/etc/apt/sources.list"
: > "$root/etc/machine-id"
