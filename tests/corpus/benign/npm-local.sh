# build: npm installs a local package that has a postinstall script, and runs its tests
# needs: node npm
mkdir -p dep && cat > dep/package.json <<'J'
{"name": "dep", "version": "1.0.0", "scripts": {"postinstall": "node build.js"}}
J
echo "require('fs').writeFileSync('built.js', 'module.exports = ' + JSON.stringify(process.versions.node))" > dep/build.js
cat > package.json <<'J'
{"name": "app", "version": "1.0.0", "scripts": {"test": "node -e \"require('assert')(1 + 1 === 2)\"", "build": "node make.js"}, "dependencies": {"dep": "file:./dep"}}
J
echo "require('fs').mkdirSync('out', {recursive: true}); require('fs').writeFileSync('out/a.js', '1')" > make.js
npm install --offline --no-audit --no-fund && npm test && npm run build && npm pack
