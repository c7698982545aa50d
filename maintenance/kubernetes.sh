#!/usr/bin/env bash
# Links kube-apiserver and kubectl into a virtual environment: kubernetes.sh VENV
set -euo pipefail
# shellcheck source=maintenance/cached.sh
source "$(dirname "$0")/cached.sh"

KUBERNETES_VERSION=1.34.2

programs=(kube-apiserver kubectl)

# As the proxy has it, the module of Kubernetes lacks those of its staging directory. They are published on their own, under the
# same minor and patch version, and stand in for the v0.0.0 that it asks for.
build() {
  local manifest minor=${KUBERNETES_VERSION#*.} staged version=k8s.io/component-base/version
  export CGO_ENABLED=0 GOFLAGS='' GOWORK=off GOCACHE=$PWD/cache # of no use afterwards, and large
  go mod init example.com/kubernetes 2>/dev/null
  go mod edit -require="k8s.io/kubernetes@v$KUBERNETES_VERSION"
  manifest=$(cd / && go mod download -json "k8s.io/kubernetes@v$KUBERNETES_VERSION" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
  while read -r staged; do
    go mod edit -replace="$staged=$staged@v0.$minor"
  done < <(sed -n -E 's|^\t(k8s\.io/[a-z-]+) v0\.0\.0( .*)?$|\1|p' "$manifest" | sort -u)

  # Not optimised and without symbols: the build saves more than the starts of the server cost.
  go build -mod=mod -trimpath -gcflags='all=-N -l -dwarf=false' \
    -ldflags="-s -w -X $version.gitVersion=v$KUBERNETES_VERSION -X $version.gitMajor=1 -X $version.gitMinor=${minor%.*}" \
    -o bin/ "${programs[@]/#/k8s.io/kubernetes/cmd/}"
}

cached "kubernetes-$KUBERNETES_VERSION" "$1" "${programs[@]}"
