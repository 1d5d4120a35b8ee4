# incident: XorDDoS and others: a program behind a dot
# finding: hidden-executed
cp /bin/true "$TMPDIR/.ICE-unix"; "$TMPDIR/.ICE-unix"
