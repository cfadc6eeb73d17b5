"""The section of the page Calibrate on this machine's profile."""

import pytest

from engine.calibration import machine_profile as profiles
from engine.calibration.machine_profile import ShortRun
from engine.experiments.profiler import ProfileProgress, lock_path, progress_path
from engine.files import write_json
from engine.forecast import forecast
from engine.machine import device_name, this_machine
from engine.runs import background
from engine.runs.locks import hold_lock
from engine.text import LANGUAGES, catalog
from finance.company.scenario import Scenario
from tests.engine.profiles import true_profile
from tests.pages.test_pages import open_page


def keep_profile(*paces: float) -> profiles.MachineProfile:
    """Store and return a profile of this machine whose runs had these paces."""
    run = ShortRun(
        name="L2 d64",
        parameters=172_352,
        zero_stage=1,
        n_ranks=2,
        tokens_per_step=1024,
        steps=80,
        measured_step_s=0.05,
        step_s_p10=0.04,
        step_s_p90=0.06,
        predicted_step_s=0.052,
        measured_memory_bytes=5e8,
        predicted_memory_bytes=5.2e8,
        pace=1.0,
        other_load_share=0.01,
    )
    runs = tuple(run.model_copy(update={"pace": pace}) for pace in paces)
    changes = {"device": device_name(this_machine()), "runs": runs}
    found = true_profile().model_copy(update=changes)
    profiles.keep(found)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_machine_asks_to_be_measured(language: str) -> None:
    app = open_page("calibrate", language)
    say = catalog(language)
    assert app.button("measure_machine").label == say("profile.measure")
    assert say("profile.none", minutes=2) in [element.value for element in app.markdown]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_measured_machine_says_how_far_to_trust_it(language: str) -> None:
    keep_profile(1.0, 1.05)
    app = open_page("calibrate", language)
    say = catalog(language)
    assert any("±6%" in element.value for element in app.markdown)
    assert app.button("measure_machine").label == say("profile.measure_again")
    assert not any("±6%" in element.value for element in app.warning)


def test_a_noisy_machine_warns() -> None:
    keep_profile(1.0, 1.6)
    app = open_page("calibrate")
    assert any("a factor of 1.60" in element.value for element in app.warning)


def test_a_scenario_takes_the_profile_and_gives_it_back(laptop: Scenario) -> None:
    found = keep_profile(1.0, 1.05)
    app = open_page("calibrate", scenario="laptop")
    app.button("use_profile").click().run()
    assert not app.exception
    plan = app.session_state["scenario_session"].draft.plan
    assert plan.profile == found
    assert forecast(plan).cost_usd != forecast(laptop.plan).cost_usd
    app.button("use_profile").click().run()
    assert app.session_state["scenario_session"].draft.plan.profile is None


def test_another_kind_of_device_is_not_offered_it() -> None:
    keep_profile(1.0, 1.05)
    app = open_page("calibrate", scenario="startup-1b")
    assert not [element for element in app.button if element.key == "use_profile"]


def test_forgetting_it_and_taking_that_back() -> None:
    keep_profile(1.0, 1.05)
    app = open_page("calibrate")
    app.button("forget_profile").click().run()
    assert app.button("measure_machine").label == catalog("en")("profile.measure")
    app.button("restore_profile").click().run()
    assert app.button("measure_machine").label == catalog("en")("profile.measure_again")


def test_while_it_is_measured_the_page_says_how_far_that_is() -> None:
    progress = ProfileProgress(stage="runs", n_done=3, n_all=11, seconds_left=70.0)
    write_json(progress_path(), progress.model_dump(mode="json"))
    with hold_lock(lock_path()):
        app = open_page("calibrate")
    (bar,) = [element for element in app.get("progress") if "3 of 11" in element.proto.text]
    assert bar.proto.value == 27
    assert not [element for element in app.button if element.key == "measure_machine"]


def test_a_measuring_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background.sys, "executable", "/bin/false")
    app = open_page("calibrate")
    app.button("measure_machine").click().run()
    assert not app.exception
    assert any("ended early" in element.value for element in app.error)
