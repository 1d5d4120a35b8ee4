# incident: Cacheract and others: the daemon of the runner is asked for a container with the machine's disk
# finding: container-daemon-contacted
# needs: python3
python3 - <<'PY'
import socket
s = socket.socket(socket.AF_UNIX)
try:
    s.connect("/var/run/docker.sock"); s.send(b"GET /_ping HTTP/1.0\r\n\r\n")
except OSError as e:
    print(e)
PY
