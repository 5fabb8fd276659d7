# Run by sh -eu as root of a namespace of its own: the finished tree becomes a file system.
#   disk.sh WORK ROOT EPOCH UUID
# Leaves WORK/disk.raw, and removes the tree.
work="$1" root="$2" epoch="$3" uuid="$4"

printf 'nameserver 10.0.2.3\n' > "$root/etc/resolv.conf"
rm -rf "$root"/dev/* "$root"/run/* "$root"/tmp/*
# What was written today is as old as the archive.
find "$root" -xdev -newermt "@$epoch" -exec touch -h -d "@$epoch" {} +
truncate -s 12G "$work/disk.raw"
E2FSPROGS_FAKE_TIME="$epoch" mkfs.ext4 -q -F -L root -U "$uuid" -O ^has_journal -m 0 \
    -E "root_owner=0:0,lazy_itable_init=1,hash_seed=$uuid" -d "$root" "$work/disk.raw"
rm -rf "$root"
