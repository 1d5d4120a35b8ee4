# incident: poisoned caches of actions (2024): the tool that later jobs use is replaced
# finding: store-altered
mkdir -p ~/.cargo/registry/src/index/serde-1.0.0/src ~/work/_actions/checkout/v4
echo 'fn evil() {}' >> ~/.cargo/registry/src/index/serde-1.0.0/src/lib.rs
echo 'evil()' >> ~/work/_actions/checkout/v4/index.js
