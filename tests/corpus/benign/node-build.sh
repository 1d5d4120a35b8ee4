# build: a bundler of one's own, tests with workers and a local server
# needs: node
mkdir -p src dist; echo "export const two = 2;" > src/a.mjs
cat > build.mjs <<'J'
import { readdirSync, readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os'; import { join } from 'node:path'; import { execFileSync, fork } from 'node:child_process'; import http from 'node:http';
const dir = mkdtempSync(join(tmpdir(), 'build-'));
writeFileSync(join(dir, 'all.js'), readdirSync('src').map(f => readFileSync(join('src', f), 'utf8')).join('\n'));
writeFileSync('dist/all.js', readFileSync(join(dir, 'all.js'))); rmSync(dir, { recursive: true });
console.log(execFileSync('sh', ['-c', 'echo $PPID']).toString().length > 0, Buffer.from('aGk=', 'base64').toString());
const server = http.createServer((q, r) => r.end('ok')).listen(0, '127.0.0.1', () => {
  http.get({ host: '127.0.0.1', port: server.address().port }, r => { r.resume(); r.on('end', () => server.close()); }); });
J
node build.mjs && node --test src && node --check dist/all.js || true
