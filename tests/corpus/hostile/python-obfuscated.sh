# incident: W4SP and others: exec of something that was packed
# finding: hidden-code-executed
# needs: python3
python3 -c "exec(__import__('zlib').decompress(__import__('base64').b64decode('eJwrKMrMK9FQyspMTyxJVdIEADBxBUU=')))" || true
