# Run by sh -eu as root inside the guest's root tree, after all packages of all layers and all overlays.
# Nothing here may depend on the network, the time, or the machine it is built on.

localedef -i en_US -f UTF-8 en_US.UTF-8
echo deskhand > /etc/hostname
ln -sf /usr/share/zoneinfo/UTC /etc/localtime
echo Etc/UTC > /etc/timezone

useradd --uid 1000 --user-group --create-home --shell /bin/bash --groups sudo,adm,video,audio,input user
echo user:password | chpasswd
for folder in Desktop Documents Downloads Music Pictures Public Templates Videos .cache .local/share .local/bin; do
    mkdir -p "/home/user/$folder"
done
mkdir -p /opt/deskhand

chmod 0755 /usr/lib/deskhand/desktop /usr/lib/deskhand/session /usr/lib/deskhand/guest /usr/lib/deskhand/unpack-code \
    /usr/lib/deskhand/take-token
/usr/lib/x86_64-linux-gnu/glib-2.0/glib-compile-schemas /usr/share/glib-2.0/schemas

# One file under many names, of which only those without a graphics card are of use.
find /usr/lib/x86_64-linux-gnu/dri -name '*_dri.so' ! -name 'swrast_dri.so' ! -name 'kms_swrast_dri.so' -delete

# Only launchers of programs that are there.
launchers=
terminal=lxterminal
[ ! -e /usr/share/applications/org.gnome.Terminal.desktop ] || terminal=org.gnome.Terminal
for program in pcmanfm "$terminal" chromium libreoffice-calc libreoffice-writer libreoffice-impress thunderbird gimp vlc geany; do
    entry="/usr/share/applications/$program.desktop"
    [ ! -e "/usr/local/share/applications/$program.desktop" ] || entry="/usr/local/share/applications/$program.desktop"
    [ ! -e "$entry" ] || launchers="${launchers}launcher_item_app = $entry\\
"
done
sed -i "s|^@LAUNCHERS@\$|${launchers}|" /home/user/.config/tint2/tint2rc

systemctl --quiet enable desktop.service deskhand-code.service deskhand-root.service deskhand-guest.service \
    systemd-networkd.service ssh.socket serial-getty@hvc0.service
systemctl --quiet disable ssh.service
systemctl --quiet mask getty@tty1.service serial-getty@ttyS0.service systemd-networkd-wait-online.service \
    systemd-rfkill.service systemd-rfkill.socket systemd-timesyncd.service e2scrub_reap.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer man-db.timer \
    systemd-tmpfiles-clean.timer rtkit-daemon.service upower.service udisks2.service ModemManager.service \
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount \
    systemd-network-generator.service dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount \
    console-setup.service keyboard-setup.service systemd-pstore.service systemd-resolved.service
systemctl --quiet set-default multi-user.target
rm -f /etc/ssh/ssh_host_*
# What systemd would do again at the first boot has been done.
touch /etc/.updated /var/.updated

# The desktop asks for nothing at its first start.
rm -f /etc/xdg/autostart/xdg-user-dirs.desktop /etc/xdg/autostart/polkit-*.desktop
