# build: pip installs a wheel from a server into a virtual environment, and its command is run
# needs: python3
python3 -m venv v && v/bin/pip install -q --no-deps --disable-pip-version-check "http://$DROP/tool-1.0-py3-none-any.whl" && v/bin/tool && v/bin/python -m pip list
