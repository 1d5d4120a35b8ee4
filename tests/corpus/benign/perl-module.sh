# build: a Perl distribution with Makefile.PL, XS-less, with tests
# needs: perl make
mkdir -p lib t && printf 'package Demo;\nour $VERSION = "1.0";\nsub two { 2 }\n1;\n' > lib/Demo.pm
printf 'use ExtUtils::MakeMaker;\nWriteMakefile(NAME => "Demo", VERSION_FROM => "lib/Demo.pm");\n' > Makefile.PL
printf 'use Test::More tests => 1;\nuse Demo;\nis(Demo::two(), 2);\n' > t/a.t
perl Makefile.PL INSTALL_BASE="$PWD/inst" && make && make test && make install && perl -Ilib -e 'use Demo; print Demo::two()'
