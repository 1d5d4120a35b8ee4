# incident: a miner under another name, known by what it says
# finding: miner-speaks
# needs: python3
python3 - <<'PY'
import os, socket
s = socket.create_connection(("127.0.0.1", int(os.environ["DROP_PORT"])))
s.sendall(b'{"id":1,"method":"mining.subscribe","params":["cgminer/4"]}\n')
PY
