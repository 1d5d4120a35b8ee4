# incident: s1ngularity (2025): what assistants of programmers log in with is gathered
# finding: credential-read
mkdir -p ~/.claude ~/.gemini && echo '{}' > ~/.claude/.credentials.json && echo '{}' > ~/.gemini/oauth_creds.json
cat ~/.claude/.credentials.json ~/.gemini/oauth_creds.json > inventory.txt
