"""A share link shows its scenario until it expires, is revoked, or the scenario is deleted."""

import datetime
import sqlite3
from pathlib import Path

import pytest

from engine.documents import InputError
from finance.company.scenario import Scenario
from finance.scenarios.store import ScenarioStore


@pytest.fixture
def store(laptop: Scenario) -> ScenarioStore:
    made = ScenarioStore()
    made.create(laptop, "mine")
    return made


def test_a_token_finds_its_link_and_no_other_does(store: ScenarioStore) -> None:
    share, token = store.shares.create("mine", page="funding", version=1)
    other, _ = store.shares.create("mine", page="summary")
    assert store.shares.find(token) == share
    assert (share.scenario_id, share.page, share.version) == ("mine", "funding", 1)
    assert len(token) >= 32
    for wrong in ("", token[:-1], f"{token}x", share.id, other.id, "mine", "x" * 100_000):
        with pytest.raises(InputError, match="expired, was revoked or is incomplete"):
            store.shares.find(wrong)


def test_the_database_does_not_have_the_token(store: ScenarioStore, home: Path) -> None:
    _, token = store.shares.create("mine", page="summary")
    with sqlite3.connect(home / "flopledger.sqlite") as connection:
        assert token not in "\n".join(connection.iterdump())


def test_a_link_ends_at_its_expiry(store: ScenarioStore) -> None:
    share, token = store.shares.create("mine", page="summary", days=30)
    assert share.expires_at == share.created_at + datetime.timedelta(days=30)
    second = datetime.timedelta(seconds=1)
    assert store.shares.find(token, share.expires_at - second) == share
    assert store.shares.of("mine", share.expires_at - second) == [share]
    with pytest.raises(InputError):
        store.shares.find(token, share.expires_at)
    assert store.shares.of("mine", share.expires_at) == []
    endless, token = store.shares.create("mine", page="summary", days=None)
    assert store.shares.find(token, datetime.datetime(2100, 1, 1)) == endless
    with pytest.raises(InputError, match="must be above 0"):
        store.shares.create("mine", page="summary", days=0)


def test_a_revoked_link_shows_nothing_and_others_stay(store: ScenarioStore) -> None:
    share, token = store.shares.create("mine", page="summary")
    kept, kept_token = store.shares.create("mine", page="summary")
    store.shares.revoke("another", share.id)
    assert store.shares.find(token) == share
    store.shares.revoke("mine", share.id)
    with pytest.raises(InputError):
        store.shares.find(token)
    assert store.shares.find(kept_token) == kept
    assert store.shares.of("mine") == [kept]


def test_a_link_to_a_deleted_scenario_shows_nothing_until_it_is_restored(
    store: ScenarioStore,
) -> None:
    share, token = store.shares.create("mine", page="summary")
    store.delete("mine")
    with pytest.raises(InputError):
        store.shares.find(token)
    store.restore("mine")
    assert store.shares.find(token) == share
