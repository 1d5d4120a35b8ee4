# build: a C package with autoconf and automake, from scratch to `make check`
# needs: autoreconf automake make gcc
mkdir -p src && cat > configure.ac <<'AC'
AC_INIT([hello], [1.0])
AM_INIT_AUTOMAKE([foreign subdir-objects])
AC_PROG_CC
AC_CHECK_HEADERS([unistd.h sys/wait.h])
AC_CHECK_FUNCS([strdup memfd_create])
AC_CONFIG_HEADERS([config.h])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
AC
cat > Makefile.am <<'AM'
bin_PROGRAMS = hello
hello_SOURCES = src/hello.c
TESTS = hello
AM
printf '#include "config.h"\n#include <stdio.h>\nint main(void) { puts(PACKAGE_STRING); return 0; }\n' > src/hello.c
autoreconf -i && ./configure --prefix="$PWD/inst" && make -j2 && make check && make install && make dist
