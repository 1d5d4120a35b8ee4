# build: link-time optimisation, preprocessed files kept, a cache of objects beside, precompiled headers
# needs: gcc
mkdir -p cache; printf '#pragma once\n#include <stdio.h>\n' > all.h
for i in 1 2 3; do printf '#include "all.h"\nint f%d(void) { return printf("%d") - 1; }\n' $i $i > f$i.c; done
printf 'int f1(void); int f2(void); int f3(void); int main(void) { return f1() + f2() + f3(); }\n' > main.c
gcc -x c-header all.h && for f in *.c; do
  key=$(gcc -E "$f" | sha256sum | cut -c1-16); tmp=$(mktemp cache/tmp.XXXXXX)
  [ -f "cache/$key.o" ] || { gcc -O2 -flto=2 -c "$f" -o "$tmp" && mv "$tmp" "cache/$key.o"; }
  cp "cache/$key.o" "${f%.c}.o"
done
gcc -flto=2 -save-temps -O2 -o prog *.o && ./prog && gcc -fPIC -shared -Wl,-soname,libf.so.1 -o libf.so.1 f1.c && ln -sf libf.so.1 libf.so
