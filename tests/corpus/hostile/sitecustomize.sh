# incident: a file that every Python program runs
# finding: python-startup-written
dir=~/.local/lib/python3.11/site-packages; mkdir -p "$dir"
printf 'import os\n' > "$dir/sitecustomize.py"
