# Finds what an installation into the folder $1 brought, and what it needs to run.
# Without any executable there, those that the build made in the folders after it are taken.
# Writes the commands to $1/opt/tool/commands, and the Debian packages needed to /packages.txt.
set -u
stage=$1
shift
tool=$stage/opt/tool
mkdir -p "$tool/bin"

executables() {
  find "$stage" -type f -perm -u+x \( -path '*/bin/*' -o -path '*/sbin/*' -o -path '*/games/*' \)
}

# a Makefile may know PREFIX and not DESTDIR, or neither
for place in /opt/tool /usr/local; do
  [ -z "$(executables)" ] && [ -n "$(ls $place/bin 2>/dev/null)" ] || continue
  mkdir -p "$stage$place"
  cp -a "$place/." "$stage$place"
done
if [ -z "$(executables)" ]; then
  find "$@" -maxdepth 3 -type f -perm -u+x ! -path '*/CMakeFiles/*' ! -name '*.so*' ! -name '*.o' |
    while IFS= read -r file; do
      if [ "$(head -c 4 "$file" | tail -c 3)" = ELF ]; then cp "$file" "$tool/bin/"; fi
    done
fi
# these are links to /usr in an image
for place in bin sbin lib; do
  [ -d "$stage/$place" ] || continue
  mkdir -p "$stage/usr/$place"
  cp -a "$stage/$place/." "$stage/usr/$place"
  rm -rf "${stage:?}/$place"
done
find "$stage" -type f -perm -u+x -exec strip --strip-unneeded {} + 2>/dev/null

executables | while IFS= read -r file; do
  printf '%s\t%s\n' "$(basename "$file")" "${file#"$stage"}"
done | sort >"$tool/commands"

find "$stage" -type f \( -perm -u+x -o -name '*.so*' \) | while IFS= read -r file; do
  if [ "$(head -c 2 "$file")" = '#!' ]; then
    words=$(head -n 1 "$file" | cut -c 3- | sed 's/^ *[^ ]*env  *//')
    command -v "${words%% *}"
  else
    LD_LIBRARY_PATH=$tool/lib ldd "$file" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p'
  fi
done | sort -u | while IFS= read -r library; do
  real=$(realpath "$library")
  for path in "$library" "$real" "/usr$library" "${library#/usr}" "${real#/usr}"; do
    if owner=$(dpkg -S "$path" 2>/dev/null); then
      echo "$owner" | head -n 1 | cut -d : -f 1
      break
    fi
  done
done | sort -u >/packages.txt
