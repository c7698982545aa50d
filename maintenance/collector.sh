#!/usr/bin/env bash
# Links an OpenTelemetry Collector into a virtual environment, with what the tests need of it: collector.sh VENV
set -euo pipefail
# shellcheck source=maintenance/cached.sh
source "$(dirname "$0")/cached.sh"

COLLECTOR_VERSION=0.150.0
CONFMAP_VERSION=1.56.0 # of its parts that are stable, released with it

build() {
  cat >collector.yaml <<END
dist:
  name: otelcol
  module: example.com/otelcol
  version: $COLLECTOR_VERSION
  output_path: source
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v$COLLECTOR_VERSION
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/otlphttpexporter v$COLLECTOR_VERSION
providers: # env is the scheme of an address that has none
  - gomod: go.opentelemetry.io/collector/confmap/provider/envprovider v$CONFMAP_VERSION
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v$CONFMAP_VERSION
END
  export CGO_ENABLED=0 GOFLAGS='' GOWORK=off
  go run "go.opentelemetry.io/collector/cmd/builder@v$COLLECTOR_VERSION" --config=collector.yaml --skip-compilation
  # Not optimised and without symbols, which is built sooner and starts as soon.
  go -C source build -trimpath -gcflags='all=-N -l -dwarf=false' -ldflags='-s -w' -o ../bin/otelcol .
}

cached "otelcol-$COLLECTOR_VERSION" "$1" otelcol
