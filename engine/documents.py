"""Typed documents, and the only error that a user's input can cause.

Every document that passes between packages is a frozen pydantic model with units in its field
names. Wrong input always raises :class:`InputError`, whose text is one line with the field, the
value and what is allowed.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Generator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import tomlkit
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from engine.document_paths import path_of_location, replace_value
from engine.text import catalog

MAX_DOCUMENT_BYTES = 1_000_000
"""Largest document that is read, in bytes. Real documents are far smaller."""

NO_VALUE = "—"
"""Value of an :class:`InputError` if no value was given."""

_VALUE_SHOWN_CHARS = 60


class InputError(ValueError):
    """A value that the user gave is not allowed.

    Parameters
    ----------
    field
        Place of the value: a dotted path (``plan.cluster.n_devices``), a file or a row.
    value
        The value that was given; :data:`NO_VALUE` if there is none.
    rule
        Key below ``error`` in the message catalogs. Its text says what is allowed. The line reads
        "field: value is not allowed: …"; a rule that is not about the value alone, such as
        ``searched_already``, has a line of its own below ``error_line``.
    **params
        Values for the placeholders of that text.
    """

    def __init__(self, field: str, value: object, rule: str, **params: object) -> None:
        self.field, self.value, self.rule, self.params = field, value, rule, params
        super().__init__(self.in_language("en"))

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep all attributes when a worker process hands the error over."""
        return partial(type(self), **cast(dict[str, Any], self.params)), (
            self.field,
            self.value,
            self.rule,
        )

    def in_language(self, language: str) -> str:
        """Return the error as one line of text in ``language``."""
        text = catalog(language)
        shown = self.value if isinstance(self.value, str) else repr(self.value)
        shown = " ".join(shown.split()) or '""'
        if len(shown) > _VALUE_SHOWN_CHARS:
            shown = shown[: _VALUE_SHOWN_CHARS - 1] + "…"
        allowed = text(f"error.{self.rule}", **self.params)
        key = f"error_line.{self.rule}"
        if key not in text:
            key = "error.line_without_value" if shown == NO_VALUE else "error.line"
        return text(key, field=self.field, value=shown, allowed=allowed)


class Document(BaseModel):
    """Base of all stored documents: frozen, without unknown fields, with finite numbers only."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

    @classmethod
    def parse(cls, data: Mapping[str, Any], where: str = "") -> Self:
        """Validate ``data``; ``where`` precedes the field names in errors.

        Raises
        ------
        InputError
            For the first field that is not allowed.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise _first_error(error, where, data) from None

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the canonical JSON in hexadecimal: equal documents have equal hashes."""
        canonical = json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    def __iter__(self) -> Generator[tuple[str, Any], None, None]:
        """Yield the names and values of the fields; values computed from them are left out."""
        for name in type(self).model_fields:
            yield name, getattr(self, name)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; values that were computed from the fields are not taken over."""
        copied = super().model_copy(update=update, deep=deep)
        for name in set(copied.__dict__) - set(type(self).model_fields):
            del copied.__dict__[name]
        return copied

    def to_toml(self) -> str:
        """Return TOML text that :func:`read_toml` reads back to an equal document."""
        return tomlkit.dumps(self.model_dump(mode="json", exclude_none=True))

    def with_value(self, path: str, value: object) -> Self:
        """Return a validated copy with the field at the dotted ``path`` changed.

        Raises
        ------
        InputError
            If the changed document is not allowed.
        LookupError
            If ``path`` leads to no table.
        """
        return self.with_values({path: value})

    def with_values(self, changes: Mapping[str, object]) -> Self:
        """Return a validated copy with several fields changed together; see :meth:`with_value`.

        Paths are those of :mod:`engine.document_paths`.
        """
        data = self.model_dump(mode="json")
        for path, value in changes.items():
            replace_value(data, path, value)
        return type(self).parse(data)


AnyDocument = TypeVar("AnyDocument", bound=Document)


def read_toml_table(path: Path) -> dict[str, Any]:
    """Read one TOML file into a dict.

    Raises
    ------
    InputError
        If the file is absent, too large, not UTF-8 or not TOML.
    """
    if not path.is_file():
        raise InputError("file", str(path), "file_missing")
    size_bytes = path.stat().st_size
    if size_bytes > MAX_DOCUMENT_BYTES:
        raise InputError(str(path), f"{size_bytes} bytes", "too_large", limit=MAX_DOCUMENT_BYTES)
    return parse_toml(path.read_bytes(), str(path))


def parse_toml(raw: bytes, where: str) -> dict[str, Any]:
    """Parse TOML bytes that were read from ``where``.

    Raises
    ------
    InputError
        If the bytes are too many, not UTF-8 or not TOML.
    """
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise InputError(where, f"{len(raw)} bytes", "too_large", limit=MAX_DOCUMENT_BYTES)
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(where, f"byte {error.start}", "not_utf8") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(where, str(error), "not_toml") from None
    except (ValueError, RecursionError) as error:  # a number too long, or tables nested too deep
        raise InputError(where, type(error).__name__, "not_toml") from None


def read_toml(path: Path, kind: type[AnyDocument]) -> AnyDocument:
    """Read and validate one document from a TOML file; see :func:`read_toml_table`."""
    return kind.parse(read_toml_table(path))


# Pydantic's error types with a limit, by the name of the limit in the error's context.
_LIMITS = {
    "greater_than": "gt",
    "greater_than_equal": "ge",
    "less_than": "lt",
    "less_than_equal": "le",
    "string_too_long": "max_length",
    "string_too_short": "min_length",
    "string_pattern_mismatch": "pattern",
    "too_long": "max_length",
    "too_short": "min_length",
    "literal_error": "expected",
    "enum": "expected",
    "decimal_max_places": "decimal_places",
    "decimal_max_digits": "max_digits",
    "multiple_of": "multiple_of",
    "union_tag_invalid": "expected_tags",
}
_PLAIN = {
    "missing": "missing",
    "union_tag_not_found": "missing",
    "extra_forbidden": "unknown_field",
    "finite_number": "finite",
    "decimal_type": "number",
    "decimal_parsing": "number",
    "float_type": "number",
    "float_parsing": "number",
    "fraction_type": "number",
    "fraction_parsing": "number",
    "int_type": "whole_number",
    "int_parsing": "whole_number",
    "int_parsing_size": "whole_number",
    "int_from_float": "whole_number",
    "string_type": "text",
    "bool_type": "boolean",
    "bool_parsing": "boolean",
    "date_from_datetime_parsing": "date",
    "date_type": "date",
    "model_type": "table",
    "dict_type": "table",
    "tuple_type": "list",
    "list_type": "list",
}


def _first_error(error: ValidationError, where: str, data: Mapping[str, Any]) -> InputError:
    detail: ErrorDetails = error.errors()[0]
    cause = detail.get("ctx", {}).get("error")
    path = path_of_location(detail["loc"], data)
    field = ".".join(part for part in (where, path) if part)
    if isinstance(cause, InputError):  # a validator of this project states the cause more exactly
        inner = ".".join(part for part in (field, cause.field) if part)
        return InputError(inner, cause.value, cause.rule, **cause.params)
    kind = detail["type"]
    value = NO_VALUE if kind in ("missing", "union_tag_not_found") else detail["input"]
    if kind.startswith("union_tag"):
        field, value = f"{field}.kind", detail["ctx"].get("tag", value)
    if kind in _LIMITS:
        return InputError(field, value, kind, limit=detail["ctx"][_LIMITS[kind]])
    if kind in _PLAIN:
        return InputError(field, value, _PLAIN[kind])
    return InputError(field, value, "other", message=detail["msg"])
