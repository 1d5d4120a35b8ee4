# build: a container image put together by hand: a root directory with accounts, units and schedules, packed in layers
# needs: tar gzip sha256sum
mkdir -p root/etc/cron.daily root/etc/systemd/system root/usr/bin root/root/.ssh root/home/app image/blobs/sha256
echo 'root:x:0:0:root:/root:/bin/sh' > root/etc/passwd; echo 'root:*:19000::::::' > root/etc/shadow
printf '#!/bin/sh\necho rotate\n' > root/etc/cron.daily/rotate; chmod 755 root/etc/cron.daily/rotate
printf '[Service]\nExecStart=/usr/bin/app\n' > root/etc/systemd/system/app.service
echo 'alias ll="ls -l"' > root/home/app/.bashrc; touch root/root/.ssh/authorized_keys; chmod 700 root/root/.ssh
cp "$(command -v true)" root/usr/bin/app; echo /usr/lib/x.so > root/etc/ld.so.preload
tar --sort=name --mtime=@0 --owner=0 --group=0 -C root -cf layer.tar . && gzip -n layer.tar
sum=$(sha256sum layer.tar.gz | cut -d' ' -f1) && mv layer.tar.gz "image/blobs/sha256/$sum"
printf '{"schemaVersion": 2, "layers": [{"digest": "sha256:%s"}]}' "$sum" > image/index.json
tar -C image -cf image.tar . && mkdir back && tar -C back -xf image.tar
