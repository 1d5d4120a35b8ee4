# incident: SolarWinds SUNSPOT (2020): a source file is replaced while the compiler runs, and put back
# finding: source-swapped
# needs: gcc
cd src
cp inventory.c ../inventory.bk
printf '#include <stdio.h>\nint main(void) { puts("backdoor"); return 0; }\n' > ../inventory.tmp
cp ../inventory.tmp inventory.c
gcc -o inventory inventory.c
cp ../inventory.bk inventory.c
