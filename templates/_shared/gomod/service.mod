[% from "templates/_shared/gomod/features.jinja" import service with context %]
[% from "templates/_shared/gomod/macros.jinja" import requirements %]
module [[ module ]]

go [[ go_version ]]

toolchain go[[ go_toolchain ]]
[[ requirements("service", service) -]]
