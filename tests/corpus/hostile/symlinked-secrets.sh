# incident: a directory of secrets by another name
# finding: credential-read
ln -s ~/.docker cache; cat cache/config.json > /dev/null
