# ping.sh: says that the host answers.
emit answer yes
