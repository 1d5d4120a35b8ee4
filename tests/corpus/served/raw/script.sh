echo a downloaded script ran
