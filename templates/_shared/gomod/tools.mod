[% from "templates/_shared/gomod/features.jinja" import tools with context %]
[% from "templates/_shared/gomod/macros.jinja" import requirements %]
module [[ module ]]/tools

go [[ go_version ]]

toolchain go[[ go_toolchain ]]
[[ requirements("tools", tools) -]]
