# build: npm workspaces with a lock file, a command of one used by another, and tests against a server on loopback
# needs: node npm
mkdir -p packages/tool packages/app
echo '{"name": "root", "version": "1.0.0", "private": true, "workspaces": ["packages/*"]}' > package.json
echo '{"name": "tool", "version": "1.0.0", "bin": {"tool": "tool.js"}}' > packages/tool/package.json
printf '#!/usr/bin/env node\nrequire("fs").writeFileSync(process.argv[2], "exports.made = true\\n")\n' > packages/tool/tool.js
echo '{"name": "app", "version": "1.0.0", "scripts": {"build": "tool made.js", "test": "node --test"}, "dependencies": {"tool": "1.0.0"}}' > packages/app/package.json
cat > packages/app/app.test.js <<'J'
const test = require('node:test'), assert = require('node:assert'), http = require('http');
test('made', () => assert(require('./made.js').made));
test('served', (_, done) => {
  const server = http.createServer((_, answer) => answer.end('hello')).listen(0, '127.0.0.1', () =>
    http.get({ host: '127.0.0.1', port: server.address().port }, (answer) => answer.on('data', (data) => { assert.equal(data, 'hello'); server.close(done); })));
});
J
npm install --offline --no-audit --no-fund --silent && npm ci --offline --no-audit --no-fund --silent && npm run --silent build -w app && npm test --silent -w app >/dev/null
