uname -srm; touch downloaded-command
