# incident: a secret by another name, for a program that may
# finding: credential-read
ln ~/.netrc netrc; cat netrc > /dev/null
