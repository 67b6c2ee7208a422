"""Which column of a source is which: recognised by the names people use, or told."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from reunite.errors import ImportStopped

# The names that a column may have, without case, `_`, `-`, dots and blanks. The first of each is
# ours; a name in several of them would be ambiguous, so none is.
_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "contactid", "customerid", "userid", "clientid", "personid", "memberid"),
    "email": (
        *("email", "mail", "emailaddress", "mailaddress", "emailid"),
        *("contactemail", "customeremail", "useremail", "primaryemail"),
    ),
    "phoneNumber": (
        *("phonenumber", "phone", "phoneno", "mobile", "mobilenumber", "mobileno", "mobilephone"),
        *("cell", "cellphone", "tel", "telephone", "telephonenumber", "telno", "msisdn"),
        *("contactphone", "customerphone", "userphone", "primaryphone"),
    ),
    "linkedId": ("linkedid", "linkedcontactid", "linkedto"),
    "createdAt": (
        *("createdat", "created", "createdon", "createddate", "createdtime", "datecreated"),
        *("creationdate", "creationtime", "createtime", "createdate", "insertedat"),
    ),
    "deletedAt": ("deletedat", "deleted", "deletedon", "deleteddate", "isdeleted", "datedeleted"),
}

COLUMNS = tuple(_NAMES)
"""Our names of the columns that are read; all others of a source are left alone."""


def recognise(
    source: str, found: Sequence[str], mapping: Mapping[str, str], *, needs_id: bool
) -> dict[str, int]:
    """Tell which of our columns is which of those that a source has.

    Args:
        source: its name, for errors.
        found: the names of its columns, in their order.
        mapping: our names to the source's, where they are told; an empty one switches a column off.
        needs_id: whether rows keep their ids.

    Returns our names to places in ``found``. Raises `ImportStopped` for a column that is missing,
    or that several would fit.
    """
    told = {_ours(ours): theirs for ours, theirs in mapping.items()}
    places: dict[str, int] = {}
    for ours in COLUMNS:
        if ours not in told:
            fitting = _fitting(ours, found, set(told.values()))
            if len(fitting) > 1:
                raise ImportStopped(_ambiguous(source, ours, [found[place] for place in fitting]))
        elif told[ours]:
            fitting = _named(source, ours, told[ours], found)
        else:
            continue
        if fitting:
            places[ours] = fitting[0]
    _require(source, found, places, needs_id)
    return places


def _ours(name: str) -> str:
    """Our name of a column that a mapping names, in whichever of its spellings."""
    for ours, names in _NAMES.items():
        if _squash(name) in names:
            return ours
    close = difflib.get_close_matches(name, COLUMNS, 1)
    raise ImportStopped(
        f"--map {name}=…: there is no such column; those that can be mapped are "
        + ", ".join(COLUMNS)
        + (f" (did you mean {close[0]}?)" if close else "")
    )


def _squash(name: str) -> str:
    return "".join(char for char in name.lower() if char not in "_-." and not char.isspace())


def _fitting(ours: str, found: Sequence[str], taken: set[str]) -> list[int]:
    """The columns that would fit; a plain ``id`` goes before any other name of an id."""
    fitting = [
        place
        for place, name in enumerate(found)
        if _squash(name) in _NAMES[ours] and name not in taken
    ]
    if ours == "id":
        exact = [place for place in fitting if _squash(found[place]) == "id"]
        return exact or fitting
    return fitting


def _named(source: str, ours: str, theirs: str, found: Sequence[str]) -> list[int]:
    fitting = [place for place, name in enumerate(found) if name == theirs]
    fitting = fitting or [
        place for place, name in enumerate(found) if _squash(name) == _squash(theirs)
    ]
    if len(fitting) == 1:
        return fitting
    if fitting:
        raise ImportStopped(
            f"{source}: several columns are named {theirs}; {_list(found)}; rename all but one"
        )
    close = difflib.get_close_matches(theirs, found, 1, cutoff=0.4)
    suggestion = f"; perhaps --map {ours}={close[0]}" if close else ""
    raise ImportStopped(f"{source}: has no column {theirs!r}; {_list(found)}{suggestion}")


def _require(source: str, found: Sequence[str], places: Mapping[str, int], needs_id: bool) -> None:
    free = [name for place, name in enumerate(found) if place not in places.values()]
    if "email" not in places and "phoneNumber" not in places:
        raise ImportStopped(
            f"{source}: has neither a column for e-mails nor one for phones; {_list(found)}"
            + _suggestion(("email", "phoneNumber"), free)
            + _headless(found)
        )
    if needs_id and "id" not in places:
        raise ImportStopped(
            f"{source}: has no column for ids; {_list(found)}"
            + _suggestion(("id",), free)
            + "; or give new ids with --renumber"
        )


def _suggestion(wanted: Sequence[str], free: Sequence[str]) -> str:
    """What to map, judged by how alike names are to any that we know."""
    best = max(
        (
            (difflib.SequenceMatcher(None, known, _squash(name)).ratio(), ours, name)
            for ours in wanted
            for known in _NAMES[ours]
            for name in free
            if name
        ),
        default=(0.0, wanted[0], "its name"),
    )
    return f"; name it: --map {best[1]}={best[2] if best[0] >= 0.5 else '…'}"


def _ambiguous(source: str, ours: str, names: Sequence[str]) -> str:
    if len(set(names)) == 1:
        return f"{source}: {len(names)} columns are named {names[0]}; rename all but one"
    return (
        f"{source}: {ours} could be each of {', '.join(names)}; say which: --map {ours}={names[0]}"
    )


def _list(found: Sequence[str]) -> str:
    return f"found: {', '.join(found)}"


def _headless(found: Sequence[str]) -> str:
    """A remark where the first line looks like data."""
    if any("@" in name or name.strip("+ ").isdigit() for name in found):
        return "; the first line must be a header with the names of the columns"
    return ""
