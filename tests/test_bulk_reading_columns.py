"""Columns are found by the names people use; what is missing or unclear is told and suggested."""

from __future__ import annotations

import pytest

from reunite.bulk.reading.columns import recognise
from reunite.errors import ImportStopped


def recognised(found: str, needs_id: bool = True, **mapping: str) -> dict[str, str]:
    names = found.split(",")
    places = recognise("a.csv", names, mapping, needs_id=needs_id)
    return {ours: names[place] for ours, place in places.items()}


def why_not(found: str, needs_id: bool = True, **mapping: str) -> str:
    with pytest.raises(ImportStopped) as stopped:
        recognised(found, needs_id, **mapping)
    return str(stopped.value)


def test_knows_the_tasks_own_table() -> None:
    names = "id,phoneNumber,email,linkedId,linkPrecedence,createdAt,updatedAt,deletedAt"
    known = [name for name in names.split(",") if name not in ("linkPrecedence", "updatedAt")]
    assert recognised(names) == {name: name for name in known}


@pytest.mark.parametrize("mail", ["Email", "E-Mail", "mail", "email_address", "EMAIL ADDRESS"])
@pytest.mark.parametrize(
    "phone", ["phone", "Phone_Number", "phone-no", "Mobile", "tel.", "Cell Phone"]
)
@pytest.mark.parametrize("id_", ["ID", "contact_id", "CustomerId", "user id"])
def test_knows_columns_by_the_names_people_use(mail: str, phone: str, id_: str) -> None:
    assert recognised(f"{phone},x,{id_},{mail}") == {"id": id_, "email": mail, "phoneNumber": phone}


def test_an_id_by_its_own_name_goes_before_other_ids() -> None:
    assert recognised("customer_id,Id,email")["id"] == "Id"


def test_a_mapping_goes_before_what_is_recognised() -> None:
    assert recognised("id,email,backup", email="backup")["email"] == "backup"
    assert recognised("id,phone,mobile", phone="Mobile")["phoneNumber"] == "mobile"
    assert "linkedId" not in recognised("id,email,linked_id", linkedId="")


def test_what_is_mapped_is_not_taken_for_something_else() -> None:
    assert recognised("id,email,mail", phone="mail") == {
        "id": "id",
        "email": "email",
        "phoneNumber": "mail",
    }


def test_asks_where_two_columns_fit() -> None:
    assert why_not("id,phone,mobile") == (
        "a.csv: phoneNumber could be each of phone, mobile; say which: --map phoneNumber=phone"
    )
    assert "2 columns are named email; rename all but one" in why_not("id,email,email")


def test_lists_what_was_found_and_suggests_a_mapping() -> None:
    assert why_not("id,e_mial,name") == (
        "a.csv: has neither a column for e-mails nor one for phones; found: id, e_mial, name; "
        "name it: --map email=e_mial"
    )
    assert why_not("ident,email") == (
        "a.csv: has no column for ids; found: ident, email; name it: --map id=ident; "
        "or give new ids with --renumber"
    )
    assert why_not("id,Main Phone", phone="MainPhon") == (
        "a.csv: has no column 'MainPhon'; found: id, Main Phone; "
        "perhaps --map phoneNumber=Main Phone"
    )


def test_needs_no_id_to_renumber() -> None:
    assert recognised("email", needs_id=False) == {"email": "email"}


def test_refuses_a_mapping_of_a_column_that_nobody_reads() -> None:
    assert "did you mean email?" in why_not("id,email", emial="email")
