"""The `COPY` statement around a report's query: formulas neutralised by the server, at no cost that can be measured.

Booleans come out as `true` and `false`, as from other sources; everything else as PostgreSQL writes it.
"""

from collections.abc import Sequence

from psycopg.postgres import types

from services.reports.cells import FORMULA_STARTS

# Types whose text never begins with what a person wrote. All others, known here or not (an enum, citext, an
# array), are taken as text: a type too many costs a comparison, a type too few lets a formula through.
_PLAIN = frozenset(
    types[name].oid
    for name in (
        *("int2", "int4", "int8", "numeric", "float4", "float8", "money", "oid"),
        *("date", "time", "timetz", "timestamp", "timestamptz", "interval"),
        *("uuid", "bytea", "json", "jsonb", "inet", "cidr"),
    )
)
_BOOLEAN = types["bool"].oid
_CHARACTER = types["bpchar"].oid


def copy_statement(query: str, column_types: Sequence[int], delimiter: str, server_encoding: str) -> str:
    """`query` (values bound) as `COPY … TO STDOUT`; `column_types` are the OIDs of its columns.

    The columns get names of their own, since a query may give one name to two. `offset 0` keeps the planner from
    merging the query into the expressions around it, which would compute each text three times.
    """
    names = [f"c{number}" for number in range(len(column_types))]
    cells = ", ".join(_cell(name, oid, server_encoding) for name, oid in zip(names, column_types, strict=True))
    escaped = delimiter.replace("\t", "\\t")
    inner = f"select * from (\n{query}\n) as query offset 0"  # noqa: S608 - the report's SQL, its values bound
    return (
        f"copy (select {cells} from ({inner}) as report ({', '.join(names)}))"  # noqa: S608 - names made here
        f" to stdout with (format csv, delimiter E'{escaped}')"
    )


def _cell(name: str, oid: int, server_encoding: str) -> str:
    if oid in _PLAIN:
        return name
    if oid == _BOOLEAN:
        return f"{name}::text"
    # A cast of char(n) to text would drop its trailing blanks.
    text = f"textin(bpcharout({name}))" if oid == _CHARACTER else f"{name}::text"
    return f"case when {_is_formula(text, server_encoding)} then '''' || {text} else {text} end"


def _is_formula(text: str, server_encoding: str) -> str:
    if server_encoding == "UTF8":
        return f"ascii({text}) in ({', '.join(str(ord(start)) for start in FORMULA_STARTS)})"
    # ascii() raises for a first character outside ASCII in EUC and the like; such databases rarely have the others.
    starts = ", ".join(f"chr({ord(start)})" for start in FORMULA_STARTS if start.isascii())
    return f"left({text}, 1) in ({starts})"
