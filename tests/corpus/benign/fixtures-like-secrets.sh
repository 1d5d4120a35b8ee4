# build: a project whose tests have files that are called as secrets are
# needs: git
mkdir -p fixtures/.ssh fixtures/.aws pkg/etc/cron.d && echo key > fixtures/.ssh/id_rsa && echo x > fixtures/.aws/credentials && echo 'A=1' > .env
cat fixtures/.ssh/id_rsa fixtures/.aws/credentials .env > all.txt && . ./.env && cp -r fixtures copy && tar czf copy.tgz copy && grep -r key copy
git init -q . && git add -f . && git config --get-regexp remote || true
echo '* * * * * root true' > pkg/etc/cron.d/job && sed -i s/root/nobody/ pkg/etc/cron.d/job && rm -rf copy
