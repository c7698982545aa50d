"""What a service can be told is what its README says."""

from fnmatch import fnmatch

from tests.rendering import Rendering
from tests.settings import documented, settings_of


def test_readme_names_every_setting(rendering: Rendering) -> None:
    settings, names = settings_of(rendering), documented(rendering)

    assert {setting for setting in settings if not any(fnmatch(setting, name) for name in names)} == set()
    assert {"ADMIN_ADDR", "DRAIN_DELAY", "REQUEST_TIMEOUT"} < settings


def test_readme_names_no_setting_that_nobody_reads(rendering: Rendering) -> None:
    names = {name for name in documented(rendering) if "*" not in name and not name.startswith("TEST_")}  # its tests read those
    settings = settings_of(rendering)

    assert {name for name in names if not {name, name.removesuffix("_FILE")} & settings} == set()
