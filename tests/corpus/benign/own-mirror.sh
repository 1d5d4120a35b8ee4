# build: integration tests that serve a release themselves, fetch it over loopback, unpack it and run its installer
# needs: python3 curl tar
mkdir -p site/tool-1 && printf '#!/bin/sh\necho "installed into $1"; mkdir -p "$1/bin" && cp tool "$1/bin"\n' > site/tool-1/install.sh
printf '#!/bin/sh\necho tool 1\n' > site/tool-1/tool; chmod +x site/tool-1/*; tar -C site -czf site/tool-1.tar.gz tool-1
cp site/tool-1/tool site/tool
python3 - <<'P'
import http.server, subprocess, threading, functools
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="site")
handler.log_message = None
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
subprocess.run(["curl", "-sSfO", f"{url}/tool-1.tar.gz"], check=True, stderr=subprocess.DEVNULL)
subprocess.run(["tar", "xzf", "tool-1.tar.gz"], check=True)
subprocess.run(["sh", "install.sh", "../prefix"], cwd="tool-1", check=True)
subprocess.run(["curl", "-sSf", "-o", "fetched", f"{url}/tool"], check=True, stderr=subprocess.DEVNULL)
subprocess.run("chmod +x fetched && ./fetched && prefix/bin/tool", shell=True, check=True)
P
