#!/bin/sh
# A small build, as a first thing to trace: makes a directory, compiles, runs, reads a file that is not there.
dir=$(mktemp -d) || exit
echo 'int main(void) { return 0; }' > "$dir/main.c"
cc -o "$dir/main" "$dir/main.c" && "$dir/main" && echo built and run
cat "$dir/no-such-file" 2>/dev/null
rm -r "$dir"
