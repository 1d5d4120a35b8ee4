# incident: the assembler reads what no source has: .incbin
# finding: credential-read
# needs: gcc
printf '.data\n.globl k\nk: .incbin "%s/.aws/credentials"\n' "$HOME" > k.s && gcc -c k.s -o k.o
