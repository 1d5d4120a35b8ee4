# incident: harvest of .env files: the passwords of other projects are gathered
# finding: environment-file-read
mkdir -p ~/projects/shop && echo 'DB_PASSWORD=bait' > ~/projects/shop/.env
find ~/projects -name .env -exec cat {} +
