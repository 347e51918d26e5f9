# Installs those of the packages listed in the file $1 that can be had: a guess decides nothing.
# What may only lack compilers is listed in the file $2; further arguments are those of uv.
list=$1
left=$2
shift 2
: >"$left"
uv pip install "$@" --requirements "$list" && exit 0
while IFS= read -r package; do
  if said=$(uv pip install "$@" -- "$package" 2>&1 </dev/null); then
    echo "$said"
  elif echo "$said" | grep -qE 'error sending request|dns error|Connection refused'; then
    echo "$said"
    exit 1
  elif echo "$said" | grep -q 'not found in the package registry'; then
    echo "Goes on without $package, a guess from imports: there is no such package."
  else
    echo "$package" >>"$left"
  fi
done <"$list"
exit 0
