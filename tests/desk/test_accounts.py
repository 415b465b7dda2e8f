"""Signing in, lockout, one-time codes, grants that end."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from anlan.core.errors import AnlanError
from anlan.desk import Accounts, Act
from anlan.desk.accounts import subject

CITY, EAST, WEST = "420100", "420106", "420107"


@pytest.fixture
def accounts(world):
    return Accounts(world.desk, CITY)


@pytest.fixture
def admin(accounts):
    accounts.first_admin()
    return accounts.person("admin")


def test_a_fresh_install_has_one_administrator_whose_password_is_shown_once(accounts):
    password = accounts.first_admin()
    assert accounts.first_admin() == ""
    token = accounts.sign_in("admin", password)
    who = accounts.who(token)
    assert who.name == "admin"
    assert {g.role for g in who.grants} == {"admin"}
    accounts.sign_out(token)
    assert accounts.who(token) is None


def test_secrets_are_nowhere_in_plain(accounts, world):
    password = accounts.first_admin()
    token = accounts.sign_in("admin", password)
    for file in world.desk.store.where.parent.glob("log.db*"):
        data = file.read_bytes()
        assert password.encode() not in data
        assert token.encode() not in data


def test_the_refusal_does_not_tell_which_part_was_wrong(accounts):
    accounts.first_admin()
    said = []
    for name, password in (("nobody", "x"), ("admin", "x")):
        with pytest.raises(AnlanError) as refused:
            accounts.sign_in(name, password)
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_five_wrong_tries_lock_and_time_or_an_administrator_unlocks(accounts, admin, world):
    password = accounts.open(admin, "zhang")
    for _ in range(5):
        with pytest.raises(AnlanError, match="do not belong together"):
            accounts.sign_in("zhang", "wrong")
    with pytest.raises(AnlanError, match="locked after too many"):
        accounts.sign_in("zhang", password)
    with pytest.raises(
        AnlanError, match="do not belong together"
    ):  # to a stranger nothing is said of the lock
        accounts.sign_in("zhang", "wrong")
    assert world.state(subject("zhang")) == "locked"
    world.later(901)
    assert accounts.sign_in("zhang", password)
    assert world.state(subject("zhang")) == "active"
    for _ in range(5):
        with pytest.raises(AnlanError):
            accounts.sign_in("zhang", "wrong")
    assert accounts.sign_in("zhang", accounts.reset(admin, "zhang"))


def test_sessions_end_by_idleness_by_age_and_by_a_new_password(accounts, admin, world):
    password = accounts.open(admin, "zhang")
    token = accounts.sign_in("zhang", password)
    world.later(7100)
    assert accounts.who(token)
    world.later(7100)
    assert accounts.who(token)
    world.later(7300)
    assert accounts.who(token) is None
    token = accounts.sign_in("zhang", password)
    for _ in range(6):
        world.later(7000)
        accounts.who(token)
    world.later(7000)
    assert accounts.who(token) is None
    token = accounts.sign_in("zhang", password)
    accounts.change_password("zhang", password, "a long enough sentence")
    assert accounts.who(token) is None
    assert accounts.sign_in("zhang", "a long enough sentence")
    with pytest.raises(AnlanError, match="at least 10"):
        accounts.change_password("zhang", "a long enough sentence", "short")


def test_a_one_time_code_is_asked_for_and_taken_once(accounts, admin, world):
    password = accounts.open(admin, "zhang")
    uri = accounts.new_code_key("zhang", password)
    import base64
    from urllib.parse import parse_qs, urlparse

    text = parse_qs(urlparse(uri).query)["secret"][0]
    key = base64.b32decode(text + "=" * (-len(text) % 8))

    def code():
        return TOTP(key, 6, SHA1(), 30).generate(int(world.now[0])).decode()

    with pytest.raises(AnlanError, match="do not belong together"):
        accounts.sign_in("zhang", password)
    assert accounts.sign_in("zhang", password, code())
    with pytest.raises(AnlanError, match="do not belong together"):
        accounts.sign_in("zhang", password, code())
    world.later(30)
    assert accounts.sign_in("zhang", password, code())


def test_a_disabled_account_is_out_at_once(accounts, admin, world):
    password = accounts.open(admin, "zhang")
    token = accounts.sign_in("zhang", password)
    world.desk.act(admin, Act("account", "disable", subject("zhang"), {"reason": "left"}))
    assert accounts.who(token) is None
    with pytest.raises(AnlanError, match="disabled"):
        accounts.sign_in("zhang", password)


def test_grants_are_given_lent_ended_and_logged(accounts, admin, world):
    accounts.open(admin, "zhang")

    def act(transition, area=EAST, subject="", who=admin, **fields):
        return world.desk.act(who, Act("grant", transition, subject, fields, area))["subject"]

    def roles():
        return {(g.role, g.area, g.right) for g in accounts.person("zhang").grants}

    given = act("give", account="zhang", role="dispatcher")
    act(
        "lend",
        WEST,
        account="zhang",
        role="dispatcher",
        right="view",
        until=world.now[0] + 3600,
        reason="storm",
    )
    assert roles() == {("dispatcher", EAST, "act"), ("dispatcher", WEST, "view")}
    zhang = accounts.person("zhang")
    call = world.desk.act(
        world.person("dispatcher"), Act("call", "receive", "", {"category": "x", "priority": 1}, WEST)
    )["subject"]
    assert world.desk.look(zhang, call)
    with pytest.raises(AnlanError, match="needs one of the roles"):
        world.desk.act(zhang, Act("call", "triage", call, {"priority": 2}))
    world.later(3601)
    with pytest.raises(AnlanError, match="nothing is recorded"):
        world.desk.look(zhang, call)
    with pytest.raises(AnlanError, match="needs one of the roles"):
        act("give", who=zhang, account="zhang", role="admin")
    act("revoke", subject=given, reason="moved")
    assert accounts.person("zhang").grants != zhang.grants
    assert ("dispatcher", EAST, "act") not in roles()


def test_breaking_the_glass_needs_a_reason_shows_and_ends(accounts, admin, world):
    accounts.open(admin, "zhang")
    world.desk.act(admin, Act("grant", "give", "", {"account": "zhang", "role": "dispatcher"}, EAST))
    call = world.desk.act(
        world.person("dispatcher"), Act("call", "receive", "", {"category": "x", "priority": 1}, WEST)
    )["subject"]
    zhang = accounts.person("zhang")
    with pytest.raises(AnlanError, match="reason"):
        world.desk.act(zhang, Act("grant", "break_glass", "", {}, WEST))
    world.told.clear()
    world.desk.act(zhang, Act("grant", "break_glass", "", {"reason": "child missing at the border"}, WEST))
    assert {n.to for n in world.told} == {f"inspector@{WEST}", f"admin@{WEST}"}
    assert world.desk.look(accounts.person("zhang"), call)
    with pytest.raises(AnlanError, match="needs one of the roles"):
        world.desk.act(accounts.person("zhang"), Act("call", "triage", call, {"priority": 2}))
    world.later(3601)
    with pytest.raises(AnlanError, match="nothing is recorded"):
        world.desk.look(accounts.person("zhang"), call)
