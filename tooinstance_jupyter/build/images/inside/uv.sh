# Runs uv with the arguments; once more with an older setuptools if a set-up script needs that, since
# those of today have no pkg_resources.
said=$(mktemp)
code=$(mktemp)
{ { uv "$@" 2>&1 >&3 3>&-; echo $? >"$code"; } | tee "$said" >&2; } 3>&1
if [ "$(cat "$code")" != 0 ] && grep -q "No module named 'pkg_resources'" "$said"; then
  echo 'Trying again with an older setuptools.' >&2
  echo 'setuptools<81' >"$said"
  UV_BUILD_CONSTRAINT=$said exec uv "$@"
fi
exit "$(cat "$code")"
