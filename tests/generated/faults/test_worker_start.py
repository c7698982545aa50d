"""What is wrong with the settings of a worker is said in one go, whatever its broker."""

import pytest

from tests.generated.conftest import Project
from tests.generated.faults.subject import Subject
from tests.rendering import render_variant
from tests.settings import settings_of
from tests.support import Shared
from tests.variants import Variant, one_with_each

pytestmark = pytest.mark.go


@pytest.mark.parametrize("variant", one_with_each("go-worker-pool", "source").values(), ids=str)
def test_every_wrong_setting_of_a_worker_is_named_at_once(variant: Variant, shared: Shared) -> None:
    rendering = render_variant(shared, variant)
    settings = settings_of(rendering)

    failed = Subject(Project(rendering, shared)).run(**dict.fromkeys(settings, "wrong!"))

    assert failed.status == 2
    assert {"WORKERS", "QUEUE", "MAX_ATTEMPTS", "ADMIN_ADDR"} < settings
    assert {line.split(":")[0].strip() for line in failed.output.splitlines() if ": want " in line} == settings
