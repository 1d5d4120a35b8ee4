# incident: SCARLETEEL and others: the cloud is asked for the machine's own key
# finding: metadata-service-contacted
# needs: python3
python3 - <<'PY'
import socket
s = socket.socket(); s.settimeout(0.2)
try: s.connect(("169.254.169.254", 80))
except OSError as e: print(e)
PY
