# build: a program with Meson and Ninja
# needs: meson ninja gcc
printf "project('d', 'c')\ne = executable('d', 'd.c')\ntest('d', e)\n" > meson.build; echo 'int main(void) { return 0; }' > d.c
meson setup b && ninja -C b && meson test -C b
