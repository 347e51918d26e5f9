# Prints the Debian packages of those Perl modules, given as arguments, that are not there.
for module in "$@"; do
  perl -M"$module" -e 1 2>/dev/null && continue
  name=lib$(printf %s "$module" | sed 's/::/-/g' | tr '[:upper:]' '[:lower:]')-perl
  if apt-cache show "$name" >/dev/null 2>&1; then echo "$name"; fi
done
