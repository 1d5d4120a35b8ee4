# build: pip installs a local source distribution, built by a backend of its own, into a virtual environment
# needs: python3
mkdir -p demo && echo 'def two(): return 2' > demo/__init__.py && echo 'Name: demo' > PKG-INFO
printf '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n' > pyproject.toml
cat > backend.py <<'P'
import os, zipfile
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "demo-1.0-py3-none-any.whl"; info = "demo-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.write("demo/__init__.py")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: demo\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\ndemo = demo:two\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
P
mkdir demo-1.0 && cp -r demo backend.py pyproject.toml PKG-INFO demo-1.0 && tar czf demo-1.0.tar.gz demo-1.0
python3 -m venv venv && . venv/bin/activate
pip install --no-index ./demo-1.0.tar.gz && python -c 'import demo; assert demo.two() == 2' && pip uninstall -qy demo
