# build: a Debian package made by hand
# needs: dpkg-deb
mkdir -p pkg/DEBIAN pkg/usr/bin pkg/etc/cron.d pkg/lib/systemd/system
printf 'Package: demo\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b>\nDescription: demo\n' > pkg/DEBIAN/control
printf '#!/bin/sh\necho demo\n' > pkg/usr/bin/demo; chmod 755 pkg/usr/bin/demo; echo '[Service]' > pkg/lib/systemd/system/demo.service
echo '# none' > pkg/etc/cron.d/demo; dpkg-deb --root-owner-group --build pkg demo.deb && dpkg-deb -c demo.deb && dpkg-deb -x demo.deb out
