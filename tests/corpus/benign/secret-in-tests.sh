# build: a linter that looks for secrets in the sources, tests with tokens made up, and a netrc of the test's own
# needs: grep python3 git
mkdir -p fixtures/.aws && printf '[default]\naws_secret_access_key = made-up\n' > fixtures/.aws/credentials && printf 'machine localhost login a password b\n' > fixtures/.netrc
echo 'token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789AB"' > fixtures/config.py
grep -rnE 'ghp_[A-Za-z0-9]{36}' fixtures >/dev/null && git init -q . && git add . && git grep -n aws_secret >/dev/null
python3 -c "import netrc; assert netrc.netrc('fixtures/.netrc').authenticators('localhost')[2] == 'b'"
HOME=$PWD/fixtures python3 -c "import os, configparser; c = configparser.ConfigParser(); c.read(os.path.expanduser('~/.aws/credentials')); assert 'default' in c"
