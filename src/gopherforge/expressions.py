"""Evaluates the Jinja of questions as Copier does."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2
from jinja2 import meta
from jinja2.sandbox import SandboxedEnvironment

from gopherforge.errors import InvalidTemplates


def environment(envops: Mapping[str, Any]) -> jinja2.Environment:
    """Jinja as Copier sets it up with the templates' settings, which it calls `_envops`."""
    undefined = jinja2.StrictUndefined if envops.get("undefined") == "jinja2.StrictUndefined" else jinja2.Undefined
    return SandboxedEnvironment(
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        **{"keep_trailing_newline": True, **envops, "undefined": undefined},
    )


class Expressions:
    """What is in questions, with the templates' settings."""

    def __init__(self, envops: Mapping[str, Any]) -> None:
        jinja = environment(envops)
        self._compile = cache(jinja.from_string)
        self._mentions = cache(lambda text: frozenset(meta.find_undeclared_variables(jinja.parse(text))))

    def render(self, text: str, answers: Mapping[str, object]) -> str:
        """What it gives after these answers. Raises InvalidTemplates."""
        try:
            return self._compile(text).render(answers)
        except jinja2.TemplateError as error:
            raise InvalidTemplates(f"a question cannot be evaluated: {error}.") from error

    def mentions(self, text: str) -> frozenset[str]:
        """The keys that it refers to."""
        return self._mentions(text)
