# incident: a build looks around in the network of its machine
# finding: network-scan
# needs: python3
python3 - <<'PY'
import socket
for port in range(20, 70):
    s = socket.socket(); s.settimeout(0.1)
    try: s.connect(("127.0.0.1", port))
    except OSError: pass
    s.close()
PY
