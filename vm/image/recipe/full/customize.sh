# Run by sh -eu as root inside the guest's root tree.

chmod 0755 /usr/local/bin/google-chrome /usr/local/bin/chromium
ln -sf google-chrome /usr/local/bin/google-chrome-stable
ln -sf chromium /usr/local/bin/chromium-browser
update-alternatives --quiet --set x-terminal-emulator /usr/bin/gnome-terminal.wrapper

{
    for type in text/html application/xhtml+xml x-scheme-handler/http x-scheme-handler/https; do
        echo "$type=chromium.desktop"
    done
    echo text/plain=org.xfce.mousepad.desktop
    for type in png jpeg gif bmp webp; do echo "image/$type=org.gnome.eog.desktop"; done
    for type in video/mp4 video/x-matroska video/webm audio/mpeg audio/x-wav audio/ogg; do echo "$type=vlc.desktop"; done
    echo x-scheme-handler/mailto=thunderbird.desktop
} >> /home/user/.config/mimeapps.list

# GIMP measures the conversions between pixel formats at its first start, which takes a minute in an emulated machine.
chown -R user:user /home/user
su user -c 'cd && timeout 120 gimp --no-interface --no-fonts --batch "(gimp-quit 1)"' >/dev/null 2>&1
