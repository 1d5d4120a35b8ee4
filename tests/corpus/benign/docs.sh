# build: documentation: manual pages, pydoc, a table of contents made with awk
# needs: python3 groff
printf '.TH DEMO 1\n.SH NAME\ndemo \\- a page\n' > demo.1; groff -man -Tascii demo.1 > demo.txt; groff -man -Thtml demo.1 > demo.html 2>/dev/null || true
echo 'def f():\n    "doc"' > m.py; python3 -m pydoc -w json > /dev/null; printf '# a\n## b\n' | awk '/^#/ {print NR": "$0}' > toc.md
