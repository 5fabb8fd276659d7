# Run by sh -eu as root inside the guest's root tree.

for pair in xlsx:calc:vnd.openxmlformats-officedocument.spreadsheetml.sheet \
    docx:writer:vnd.openxmlformats-officedocument.wordprocessingml.document \
    pptx:impress:vnd.openxmlformats-officedocument.presentationml.presentation; do
    program="${pair#*:}"
    echo "application/${program#*:}=libreoffice-${program%%:*}.desktop" >> /tmp/office.list
done
mkdir -p /home/user/.config
{ echo '[Default Applications]'; cat /tmp/office.list; echo 'application/pdf=org.gnome.Evince.desktop'; } \
    > /home/user/.config/mimeapps.list
rm /tmp/office.list
