#!/usr/bin/env bash
# Links Renovate into a virtual environment: renovate.sh VENV. It needs npm; the Node.js that Renovate runs on comes with it.
set -euo pipefail
# shellcheck source=maintenance/cached.sh
source "$(dirname "$0")/cached.sh"

RENOVATE_VERSION=44.121.2 # also in docs/how-to/renovate.md and tests/update/test_handover.py; a test compares
NODE_VERSION=24.21.0      # an npm of another major version than Renovate asks for may choose an old Renovate

build() {
  mkdir -p bin/renovate-modules
  cd bin/renovate-modules
  npm install --no-audit --no-fund --loglevel=error "node@$NODE_VERSION"
  PATH=$PWD/node_modules/node/bin:$PATH npm install --no-audit --no-fund --loglevel=error --ignore-scripts "renovate@$RENOVATE_VERSION"
  cat >../renovate <<'END'
#!/bin/sh
modules=$(dirname "$(readlink -f "$0")")/renovate-modules/node_modules
exec "$modules/node/bin/node" "$modules/renovate/dist/renovate.js" "$@"
END
  chmod +x ../renovate
}

cached "renovate-$RENOVATE_VERSION" "$1" renovate
