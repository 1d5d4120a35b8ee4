# incident: persistence by the start-up file of the shell, in place
# finding: shell-startup-written
# needs: perl
perl -i -pe 's/$/\nalias sudo=fake/ if eof' ~/.bashrc
