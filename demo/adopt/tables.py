"""The two tables, each in a folder, with what is true of it beside it.

contacts.csv       the table
components.csv     id and component of each row that can be taken
block.txt          identifiers to block
people.csv, wrong_merges.csv    of the messy table only
"""

from __future__ import annotations

import csv
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from dupehell import generate

from demo import messy
from demo.adopt.rows import read_blocks, read_rows
from demo.contacts import JUNK_EMAILS, JUNK_PHONES
from demo.truth import Sets

Make = Callable[[int, int, Path], None]
"""Takes the number of rows, the seed and the folder."""


def make_dupehell(rows: int, seed: int, folder: Path) -> None:
    """Customers that `dupehell` makes, as it spells them, shuffled; ids go by its own order.

    Components are a union-find's over normalised identifiers; nothing here uses reunite.
    """
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="reunite-dupehell-") as place:
        made = generate("ecommerce", rows, seed, output_dir=place, only_entity="customer")
        table = pq.read_table(made.dataset, columns=["email", "phone", "created_at"])
    table = table.add_column(0, "id", pa.array(range(1, table.num_rows + 1)))
    order = list(range(table.num_rows))
    random.Random(seed).shuffle(order)
    pyarrow.csv.write_csv(table.take(order[:rows]), folder / "contacts.csv")
    (folder / "block.txt").write_text("\n".join((*JUNK_EMAILS, *JUNK_PHONES, "")))
    _write_components(folder)


def _write_components(folder: Path) -> None:
    blocked = read_blocks(folder / "block.txt")
    sets = Sets()
    holder_of: dict[str, int] = {}
    ids: list[int] = []
    for row in read_rows(folder / "contacts.csv"):
        keys = [key for key in row.keys if key not in blocked]
        if keys and not row.is_deleted:
            ids.append(row.id)
            number = sets.add()
            for key in keys:
                sets.unite(number, holder_of.setdefault(key, number))
    with (folder / "components.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "component"))
        writer.writerows((id_, ids[sets.find(number)]) for number, id_ in enumerate(ids))


TABLES: dict[str, Make] = {"messy": messy.make, "dupehell": make_dupehell}
