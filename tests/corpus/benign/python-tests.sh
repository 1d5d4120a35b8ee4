# build: tests in Python with temporary files, subprocesses, threads, a local server
# needs: python3
cat > test_all.py <<'P'
import http.server, os, subprocess, sys, tempfile, threading, unittest, urllib.request, zipfile, sqlite3, socket
class All(unittest.TestCase):
    def test_temporary(self):
        with tempfile.TemporaryDirectory() as d:
            with zipfile.ZipFile(os.path.join(d, "a.zip"), "w") as z: z.writestr("a", "b" * 1000)
            self.assertTrue(os.path.getsize(os.path.join(d, "a.zip")))
    def test_subprocess(self):
        self.assertEqual(subprocess.run(["sh", "-c", "cat | wc -c"], input=b"abc", capture_output=True).stdout.strip(), b"3")
        self.assertEqual(subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout, b"1\n")
    def test_server(self):
        s = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
        threading.Thread(target=s.serve_forever, daemon=True).start()
        self.assertIn(b"test_all", urllib.request.urlopen(f"http://127.0.0.1:{s.server_port}/").read()); s.shutdown()
    def test_sqlite(self):
        sqlite3.connect(os.path.join(tempfile.gettempdir(), "t.db")).execute("create table if not exists t (a)")
    def test_pair(self):
        a, b = socket.socketpair(); a.send(b"x"); self.assertEqual(b.recv(1), b"x")
P
python3 -m unittest -q && python3 -m compileall -q . && python3 -m venv --without-pip v
