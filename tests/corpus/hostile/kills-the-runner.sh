# incident: who watches the job is told to end
# finding: outside-process-signalled
# needs: python3
python3 -c "
import os, signal
os.kill(int(os.environ['VICTIM']), signal.SIGSTOP); os.kill(int(os.environ['VICTIM']), signal.SIGCONT)"
