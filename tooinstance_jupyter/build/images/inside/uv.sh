# Runs uv with the arguments; once more with an older setuptools if a set-up script needs that, since
# those of today have no pkg_resources.
said=$(mktemp)
uv "$@" 2>"$said"
code=$?
cat "$said" >&2
if [ "$code" != 0 ] && grep -q "No module named 'pkg_resources'" "$said"; then
  echo 'Trying again with an older setuptools.' >&2
  echo 'setuptools<81' >"$said"
  UV_BUILD_CONSTRAINT=$said uv "$@"
  code=$?
fi
exit "$code"
