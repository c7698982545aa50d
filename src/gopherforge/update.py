"""What `gopherforge update` does: it brings a service to a newer version of its templates."""

import os
import shlex
from dataclasses import dataclass, fields

from gopherforge import bundle, source
from gopherforge.change import CHANGES, Options, Place, Target, shown, unchanged
from gopherforge.errors import CannotUpdate, UsageError
from gopherforge.project import Record, check_version
from gopherforge.report import FOUND, Result
from gopherforge.scratch import scratch_directory
from gopherforge.service import Service, open_service
from gopherforge.source import Source
from gopherforge.wording import describe, join_and


@dataclass(frozen=True)
class Request:
    """The command's options as they were given."""

    options: Options
    to: str | None = None
    check: bool = False


def update(request: Request, place: Place) -> Result:
    """Updates a service, or tells whether there is something newer. Raises ForgeError as `carry_out`."""
    _require_directory(request.options.directory, place)
    if request.check:
        return _check(request, place)
    from gopherforge import delivery  # which takes longer to import than all of --check

    return delivery.carry_out(lambda service, templates: _target(service, templates, request, place), request.options, place)


def _require_directory(directory: str, place: Place) -> None:
    """Raise UsageError where an answer is given in place of a directory."""
    if "=" in directory and not os.path.lexists(place.cwd / directory):
        hint = f"gopherforge set {shlex.quote(directory)} changes an answer."
        raise UsageError(f"update takes a directory, and no answer such as {describe(directory)}.", hint)


def _target(service: Service, templates: Source, request: Request, place: Place) -> Target | Result:
    record = service.record
    to = _resolve(request.to, record, templates.history.versions)
    if bundle.order(to) == bundle.order(record.version):
        return _current(service, place)
    template = str(record.answers.get("template", "the templates"))
    return Target(
        version=to,
        answers={},
        title=f"Update {template} from {record.version} to {to}",
        done=f"Updated {template} from {record.version} to {to}",
        branch=f"update-{to}",
        label=to,
    )


def _resolve(to: str | None, record: Record, versions: tuple[str, ...]) -> str:
    """The version to go to. Raises UnknownRef where there is no such version, CannotUpdate where it is an older one."""
    newest = versions[-1]
    if to is not None and to not in versions:
        raise source.unknown(to, versions)
    if bundle.order(to or newest) < bundle.order(record.version):
        if to is None:
            message = f"the service was made with {record.version}, and this gopherforge goes to {newest}."
            raise CannotUpdate(message, "install a newer gopherforge.")
        raise CannotUpdate(
            f"the service has {record.version} already, and {to} is older: an update only goes forward.",
            "to go back, revert the commit of the update.",
        )
    return to or newest


def _check(request: Request, place: Place) -> Result:
    """Whether there is something newer, without rendering it: exit code 3 where there is."""
    _require_alone(request)
    service = open_service(place.cwd / request.options.directory, place.environ)
    record, versions = service.record, source.versions(place.environ, place.package)
    check_version(record, known=record.version in versions or _is_between(record.version, place), newest=versions[-1])
    to = _resolve(request.to, record, versions)
    if bundle.order(to) == bundle.order(record.version):
        return _current(service, place)
    told = f"{shown(service, place)} can be updated from {record.version} to {to}."
    unknown = dict.fromkeys(CHANGES)  # without a rendering
    return Result({**unchanged(service), "to": to, **unknown}, told, exit_code=FOUND)


def _is_between(version: str, place: Place) -> bool:
    """Whether a version is that of a commit after a release, which only the history can tell."""
    found = bundle.DESCRIBED.fullmatch(version)
    if not (found and found[5]):
        return False
    with scratch_directory() as scratch, source.open_source(place.environ, scratch, place.package) as templates:
        return templates.has(version)


def _require_alone(request: Request) -> None:
    """Raise UsageError where --check is given together with what needs a rendering."""
    unset = Options()
    others = [
        f"--{field.name.replace('_', '-')}"
        for field in fields(Options)
        if field.name != "directory" and getattr(request.options, field.name) != getattr(unset, field.name)
    ]
    if others:
        raise UsageError(f"--check only looks whether there is a newer version: {join_and(others)} cannot be.", "leave it out.")


def _current(service: Service, place: Place) -> Result:
    told = f"{shown(service, place)} is up to date: it has {service.record.version}."
    return Result(unchanged(service), told)
