#!/usr/bin/env bash
# Links a program that runs the classes of Kafka into a virtual environment: kafka.sh VENV. It needs Maven, and a Java to run them.
set -euo pipefail
# shellcheck source=maintenance/cached.sh
source "$(dirname "$0")/cached.sh"

KAFKA_VERSION=4.3.1 # also in templates/_shared/compose/kafka.yaml; a test compares
SLF4J_VERSION=1.7.36

build() {
  cat >pom.xml <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId>
  <artifactId>kafka</artifactId>
  <version>$KAFKA_VERSION</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>$KAFKA_VERSION</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>$SLF4J_VERSION</version>
    </dependency>
  </dependencies>
</project>
END
  mvn --batch-mode --quiet -Dmaven.repo.local="$PWD/repository" dependency:copy-dependencies -DoutputDirectory=bin/kafka-jars
  cat >bin/kafka <<'END'
#!/bin/sh
# kafka CLASS ARGUMENT...
exec java -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Xms128m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$(dirname "$(readlink -f "$0")")/kafka-jars/*" "$@"
END
  chmod +x bin/kafka
}

cached "kafka-$KAFKA_VERSION" "$1" kafka
