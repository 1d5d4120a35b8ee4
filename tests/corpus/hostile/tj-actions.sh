# incident: tj-actions/changed-files (2025): the memory of the runner is searched for secrets
# finding: process-memory-read
# needs: python3
python3 - "$VICTIM" <<'PY'
import re, sys
pid = sys.argv[1]
maps = open(f"/proc/{pid}/maps").read()
try:
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps.splitlines():
            start, end = (int(x, 16) for x in re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line).groups())
            mem.seek(start); mem.read(64); break
except Exception as e:
    print(e)
PY
