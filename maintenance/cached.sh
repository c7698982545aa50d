# Sourced: builds programs once for all clones on this machine, and links them into a virtual environment.
# shellcheck shell=bash

# cached NAME VENV PROGRAM...: NAME has the version in it. The caller's function `build` is called in an empty directory, and leaves
# the programs in bin/; that may be done already.
cached() {
  local name=$1 venv=$2
  shift 2
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/gopherforge
  local complete
  complete=$cache/$name-$(go env GOOS)-$(go env GOARCH)
  unfinished=$complete.unfinished

  mkdir -p "$cache"
  exec 9>"$complete.lock" # held by the compiler, too, which outlives a script that is killed
  flock 9
  if [[ ! -d $complete ]]; then
    echo "building $name, which takes some minutes"
    trap 'rm -rf "$unfinished"' EXIT
    rm -rf "$unfinished"
    mkdir "$unfinished"
    (cd "$unfinished" && build)
    mv "$unfinished/bin" "$complete"
  fi
  ln -sf "${@/#/$complete/}" "$venv/bin/"
}
