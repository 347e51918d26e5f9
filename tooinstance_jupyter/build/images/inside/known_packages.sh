# Prints those of the arguments that are names of Debian packages.
for name in "$@"; do
  if apt-cache show "$name" >/dev/null 2>&1; then echo "$name"; fi
done
