"""Which operations are undone: no other operation that undoes them is undone itself."""

from __future__ import annotations

from reunite.bulk.engine import Engine

_TYPES = {"position": "bigint", "voided": "bigint"}


def note_undone(engine: Engine) -> None:
    """Make ``undone``: the operations that do not stand, and the position that took each back.

    An undo is undone by a later one only, so that the last of them stands.
    """
    undos = engine.connection.execute(
        "select position, target_position from void where target = 'operation'"
        " order by position desc"
    ).fetchall()
    undone: dict[int, int] = {}
    for position, target in undos:
        if position not in undone:
            undone.setdefault(target, position)
    engine.fill("undone", _TYPES, [list(undone.items())])
