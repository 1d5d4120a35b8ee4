# incident: ssh is made to run a command at every connection
# finding: ssh-command-planted
printf 'Host *\n  ProxyCommand sh -c "date >> /tmp/none/x; nc %%h %%p"\n' >> ~/.ssh/config
