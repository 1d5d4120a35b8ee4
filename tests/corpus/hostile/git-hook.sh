# incident: a hook that runs at the developer's next commit
# finding: git-hook-written
# needs: git python3
git init -q .
python3 -c "
import os
path = '.git/hooks/pre-commit'
open(path, 'w').write('#!/bin/sh\ntrue\n'); os.chmod(path, 0o755)"
