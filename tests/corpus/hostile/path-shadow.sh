# incident: a false git before the real one in PATH
# finding: path-program-written
mkdir -p ~/.local/bin
printf '#!/bin/sh\nexec /usr/bin/git "$@"\n' > ~/.local/bin/git; chmod +x ~/.local/bin/git
