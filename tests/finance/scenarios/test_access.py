"""A stranger with a scenario's id cannot edit it, and its owner is never locked out."""

import pytest

from finance.scenarios.access import Access, access


@pytest.mark.parametrize(
    ("is_sample", "editors", "browser", "is_this_machine", "expected"),
    [
        (False, {"founder"}, "founder", False, "edit"),
        (False, {"founder", "partner"}, "partner", False, "edit"),
        (False, {"founder"}, "investor", False, "none"),
        (False, {"founder"}, None, False, "none"),
        (False, {"founder"}, "another browser of the founder", True, "claim"),
        (False, set(), "first after an upgrade", True, "edit"),
        (False, set(), "stranger", False, "read"),
        (True, set(), "stranger", False, "edit"),
    ],
)
def test_access(
    is_sample: bool,
    editors: set[str],
    browser: str | None,
    is_this_machine: bool,
    expected: Access,
) -> None:
    found = access(
        is_sample=is_sample, editors=editors, browser=browser, is_this_machine=is_this_machine
    )
    assert found == expected
