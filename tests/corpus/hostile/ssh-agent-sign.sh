# incident: keys that cannot be read are used all the same: the agent is asked to sign
# finding: ssh-agent-contacted
# needs: python3
cat > agent.py <<'PY'
import os, socket
s = socket.socket(socket.AF_UNIX)
path = os.environ.get("SSH_AUTH_SOCK") or "/tmp/ssh-XXXX4711/agent.1"
try:
    s.connect(path)
    s.sendall(b"\0\0\0\1\x0b")
    print(len(s.recv(4096)))
except OSError as error:
    print(error)
PY
SSH_AUTH_SOCK=/tmp/ssh-none4711/agent.1 python3 agent.py
