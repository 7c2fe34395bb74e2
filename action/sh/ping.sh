# ping: says that the host answers.
emit ping "$1"
