# build: a test suite that starts servers, stops them, and looks at what is left
# needs: python3
sleep 100 & job=$!
kill -STOP $job && kill -CONT $job && kill $job; wait $job || true
python3 - <<'PY'
import os, signal, subprocess
child = subprocess.Popen(["sleep", "100"]); child.terminate(); child.wait()
group = subprocess.Popen(["sh", "-c", "sleep 100 & wait"], start_new_session=True); os.killpg(group.pid, signal.SIGTERM); group.wait()
PY
! pkill -f no-such-program-4711; cp ../home/.bashrc mine && echo >> mine
