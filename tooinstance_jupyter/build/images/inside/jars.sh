# Copies the jars that name a main class from the folders of Maven and Gradle to $1, each with a
# command of its name without the version; lists the commands in $1/commands.
set -eu
tool=$1
mkdir -p "$tool/bin" "$tool/lib"
: >"$tool/commands"
# a JDK has no unzip, but jar
manifest=$(mktemp -d)
find "$PWD" -path '*/target/*.jar' -o -path '*/build/libs/*.jar' | sort |
  while IFS= read -r jar; do
    case $jar in *-sources.jar | *-javadoc.jar | *-tests.jar | */original-*) continue ;; esac
    (cd "$manifest" && rm -rf META-INF && jar xf "$jar" META-INF/MANIFEST.MF) || continue
    grep -q '^Main-Class:' "$manifest/META-INF/MANIFEST.MF" 2>/dev/null || continue
    name=$(basename "$jar" .jar | sed 's/-[0-9].*$//; s/[^A-Za-z0-9._-]/-/g')
    # a second one of the name, such as one with all that it needs inside, takes the first's place
    cp "$jar" "$tool/lib/$name.jar"
    printf '#!/bin/sh\nexec java -jar %s/lib/%s.jar "$@"\n' "$tool" "$name" >"$tool/bin/$name"
    chmod 755 "$tool/bin/$name"
  done
for command in "$tool"/bin/*; do
  if [ -e "$command" ]; then printf '%s\t%s\n' "${command##*/}" "$command"; fi
done >"$tool/commands"
