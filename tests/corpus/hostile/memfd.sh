# incident: fileless payloads of npm and PyPI packages
# finding: memfd-executed
# needs: python3
python3 - <<'PY'
import os
fd = os.memfd_create("kworker", 0)
os.write(fd, open("/bin/true", "rb").read())
os.execve(f"/proc/self/fd/{fd}", ["[kworker/0:1]"], {})
PY
