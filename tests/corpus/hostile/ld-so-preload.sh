# incident: Symbiote, Jynx and other rootkits of user space
# finding: ld-preload-written
# The place below the file does not exist, so that nothing is changed.
echo "$PWD/libprocesshider.so" > /etc/ld.so.preload/harmless || true
