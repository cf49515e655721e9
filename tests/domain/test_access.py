"""The table of roles and actions, written a second time by hand from what people were promised."""

import pytest

from fileshare.domain import access
from fileshare.domain.access import TABLE, Action
from fileshare.domain.accounts import ANONYMOUS
from fileshare.domain.model import Account, Caller, Door, Role
from fileshare.errors import Forbidden

PROMISED: dict[Action, set[Role]] = {
    Action.LIST: {Role.USER, Role.ADMIN},
    Action.DOWNLOAD: {Role.USER, Role.ADMIN},
    Action.VERSIONS: {Role.USER, Role.ADMIN},
    Action.UPLOAD: {Role.USER, Role.ADMIN},
    Action.MKDIR: {Role.USER, Role.ADMIN},
    Action.MOVE: {Role.USER, Role.ADMIN},
    Action.OVERWRITE: {Role.USER, Role.ADMIN},
    Action.DELETE: {Role.ADMIN},
    Action.RESTORE: {Role.ADMIN},
    Action.PURGE: {Role.ADMIN},
    Action.SEE_ANY_UPLOAD: {Role.ADMIN},
    Action.ABORT_ANY_UPLOAD: {Role.ADMIN},
    Action.SEE_TRANSFERS: {Role.ADMIN},
    Action.STOP_TRANSFERS: {Role.ADMIN},
    Action.MANAGE_USERS: {Role.ADMIN},
    Action.READ_LOGS: {Role.ADMIN},
    Action.READ_AUDIT: {Role.ADMIN},
    Action.READ_METRICS: {Role.ADMIN},
}


def caller(role: Role, *, enabled: bool = True, door: Door = Door.TCP) -> Caller:
    return Caller(Account(7, "bob", role, enabled, False, 0), "127.0.0.1", door)


def allowed(who: Caller, action: Action) -> bool:
    try:
        access.check(who, action)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize("door", Door)
@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_what_it_was_promised_and_nothing_else(
    role: Role, action: Action, door: Door
) -> None:
    assert allowed(caller(role, door=door), action) is (role in PROMISED[action])
    assert access.allows(role, action) is (role in PROMISED[action])


def test_every_action_and_every_role_stands_in_the_table() -> None:
    assert set(PROMISED) == set(Action)
    assert set(TABLE) == set(Role)


@pytest.mark.parametrize("action", Action)
def test_callers_without_a_login_may_do_what_a_user_may_and_no_more(action: Action) -> None:
    assert allowed(Caller(ANONYMOUS, "10.0.0.1", Door.WEB), action) is (Role.USER in PROMISED[action])


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_a_disabled_account_may_do_nothing(role: Role, action: Action) -> None:
    assert not allowed(caller(role, enabled=False), action)
