"""Read, replace and set values at dotted paths such as ``company.people.2.title``.

A path leads through documents by field name, through mappings by key, and through lists and tuples
by position, counted from 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel


def field_name(path: str) -> str:
    """Return the last part of a path, without the tables above it."""
    return path.rpartition(".")[2]


def parent_path(path: str) -> str:
    """Return the path of the table that holds the field; empty for a field at the top."""
    return path.rpartition(".")[0]


def value_at(place: Any, path: str) -> Any:
    """Return the value at ``path``; the empty path leads to ``place`` itself.

    Raises
    ------
    LookupError
        If ``path`` leads to no value.
    """
    for part in path.split(".") if path else ():
        place = _step(place, part)
    return place


def value_or_none(place: Any, path: str) -> Any:
    """Return the value at ``path``, or None if the path leads to no value."""
    try:
        return value_at(place, path)
    except LookupError:
        return None


def replace_value(data: Any, path: str, value: object) -> None:
    """Replace the value at ``path`` in plain data (dicts and lists), in place.

    Raises
    ------
    LookupError
        If a table above the value does not exist.
    """
    above, name = value_at(data, parent_path(path)), field_name(path)
    if isinstance(above, list):
        above[_position(name)] = value
    elif isinstance(above, dict):
        above[name] = value
    else:
        raise LookupError(path)


def put_value(table: dict[str, Any], path: str, value: object) -> None:
    """Set the value at ``path`` and add the tables above it that are missing.

    ``table`` itself changes. The tables inside it are copied before they change, so that another
    table that shares them stays as it was.
    """
    *above, name = path.split(".")
    for part in above:
        table[part] = dict(table.get(part) or {})
        table = table[part]
    table[name] = value


def remove_value(table: dict[str, Any], path: str) -> None:
    """Remove the value at ``path``, if there is one.

    Tables above it are added and copied as in :func:`put_value`.
    """
    put_value(table, path, None)
    del value_at(table, parent_path(path))[field_name(path)]


def path_of_location(location: Sequence[str | int], data: Any) -> str:
    """Return the path of a pydantic error location in ``data``.

    Pydantic inserts the tag of a union's member into a location. The tag is no field name and is
    left out.
    """
    return ".".join(_fields_of_location(location, data))


def _fields_of_location(location: Sequence[str | int], data: Any) -> Iterator[str]:
    place = data
    for part in location:
        if isinstance(place, Mapping) and part not in place and part == place.get("kind"):
            continue
        yield str(part)
        try:
            place = place[part]
        except (LookupError, TypeError):  # the value is missing, or no table
            place = None


def _step(place: Any, name: str) -> Any:
    if isinstance(place, Mapping):
        return place[name]
    if isinstance(place, list | tuple):
        return place[_position(name)]
    if isinstance(place, BaseModel) and hasattr(place, name):
        return getattr(place, name)
    raise LookupError(name)


def _position(name: str) -> int:
    if not name.isdecimal():
        raise LookupError(name)
    return int(name)
