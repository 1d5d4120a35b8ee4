# incident: SSRF-like theft of the runner's cloud identity (2022): the metadata service is asked for a token
# finding: metadata-service-contacted
# needs: python3
python3 - <<'PY'
import socket
s = socket.socket()
s.settimeout(0.2)
try:
    s.connect(("169.254.169.254", 80))
except OSError:
    pass
PY
