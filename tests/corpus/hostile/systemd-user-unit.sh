# incident: LiteLLM and others: a service of the user's session
# finding: service-written
# needs: python3
python3 - <<'PY'
import pathlib
unit = pathlib.Path.home() / ".config/systemd/user/sysmon.service"
unit.parent.mkdir(parents=True, exist_ok=True)
unit.write_text("[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=default.target\n")
PY
