# incident: a payload in shared memory, which no image keeps
# finding: shared-memory-executed
name=/dev/shm/smtrace-corpus-$$
printf '#!/bin/sh\necho ran\n' > "$name"; chmod +x "$name"; "$name"; rm -f "$name"
