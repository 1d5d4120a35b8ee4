# incident: CVE-2017-1000117 and its like: an address of git that is a command
# finding: git-runs-transport
# needs: git
printf '#!/bin/sh\ntrue\n' > x.sh && chmod +x x.sh
git -c protocol.ext.allow=always clone -q 'ext::./x.sh' copy 2>/dev/null || true
