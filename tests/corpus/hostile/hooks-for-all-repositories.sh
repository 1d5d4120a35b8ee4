# incident: a hook for every repository of the user
# finding: git-hooks-for-all
# needs: git
mkdir -p ~/.hooks && printf '#!/bin/sh\ntrue\n' > ~/.hooks/pre-push && chmod +x ~/.hooks/pre-push
git config --global core.hooksPath ~/.hooks
