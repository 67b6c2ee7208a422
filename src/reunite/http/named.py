"""What a request names: contacts in its path, identifiers and contacts in its body."""

from __future__ import annotations

import re

from reunite.errors import InvalidIdentifier, Unknown
from reunite.http.problem import BadRequest
from reunite.http.request import Request
from reunite.identifier import Policy, present
from reunite.inquiry.asked import Asked, identifiers_presented
from reunite.repositories.transaction import LARGEST_ID

_MEMBERS = ("email", "phoneNumber", "contactId")


def contact_id_in_path(request: Request) -> int:
    """The number in the place of ``{contactId}``. Raises `BadRequest` or `Unknown`."""
    return number_in_path(request, "contactId")


def number_in_path(request: Request, name: str) -> int:
    """The number in the place of a name. Raises `BadRequest` or `Unknown`."""
    text = request.parameters[name]
    if not re.fullmatch("[0-9]+", text):
        raise BadRequest(f"what stands in the path is no {name}", "a whole number such as 1")
    number = int(text) if len(text) < 20 else LARGEST_ID + 1
    if not 0 < number <= LARGEST_ID:
        raise Unknown(f"there is no such {name}")
    return number


def named(policy: Policy, value: object, where: str) -> Asked:
    """An identifier or a contact id out of one member of a body.

    Args:
        value: ``{"email": …}``, ``{"phoneNumber": …}`` or ``{"contactId": …}``, decoded.
        where: the name of the member.

    Raises `BadRequest` or `InvalidIdentifier`.
    """
    right = 'one of {"email": …}, {"phoneNumber": …} and {"contactId": …}'
    if not isinstance(value, dict):
        raise BadRequest(f"{where} is {'missing' if value is None else 'no object'}", right)
    given = [name for name in _MEMBERS if value.get(name) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of the three"
        raise BadRequest(f"{where} has {found}", right)
    if given == ["contactId"]:
        return _contact_id(value["contactId"], where)
    try:
        presented = present(policy, value.get("email"), value.get("phoneNumber"))
    except InvalidIdentifier as error:
        field = f"{where}.{error.field or given[0]}"
        raise InvalidIdentifier(field, error.wrong, error.right) from None
    return identifiers_presented(presented)[0]


def _contact_id(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadRequest(f"{where}.contactId is no contact id", "a whole number such as 1")
    return value
