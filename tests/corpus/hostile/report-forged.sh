# incident: the report of the audit is written by the build itself
# finding: report-written
mkdir -p ../report && echo '{"findings": []}' > ../report/audit.json
