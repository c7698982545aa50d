"""Reads YAML that this project wrote as fast as PyYAML can: what authors write may nest so deeply that libyaml dies of it."""

try:
    from yaml import CSafeLoader as Loader  # takes a tenth of the time
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

__all__ = ["Loader"]
