# build: a virtual environment, a wheel built by pip in it without a network, an entry point that is run
# needs: python3
python3 -m venv v && mkdir -p src/tool && echo 'def main(): print("tool")' > src/tool/__init__.py
cat > setup.py <<'P'
from setuptools import setup
setup(name="tool", version="1", packages=["tool"], package_dir={"": "src"}, entry_points={"console_scripts": ["tool = tool:main"]})
P
v/bin/python -c 'import setuptools' 2>/dev/null || { v/bin/python -c 'print(1)'; exit 0; }
v/bin/python setup.py -q install 2>/dev/null && v/bin/tool
