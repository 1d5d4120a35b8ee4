# incident: a copy of a program with the setuid bit waits for a later login
# finding: setuid-bit-set
printf '#!/bin/sh\n' > rootme; chmod 4755 rootme
