"""Virtual machines by QEMU: its command line, its monitor, snapshots and forks of them."""
