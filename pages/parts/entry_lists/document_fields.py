"""Fields of one document: the essential ones in sight, the others in a closed section.

A part that is a document, such as the growth of a revenue line, has its fields below its own
heading. A part that is a list of documents, such as the plans of a subscription, has a card for
each of them.
"""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import streamlit as st

from engine.document_paths import value_at
from engine.documents import Document
from finance.company.defaults import default_entry
from finance.demand.retention import survival
from finance.revenue.retention import TenureRetention
from pages.parts.entry_lists.changes import as_json, unused_name
from pages.parts.fields import draw_error, field, field_texts, option_label
from pages.parts.kinds import kind_in_class, union_kinds
from pages.parts.session import draft, scenario_session, text
from pages.parts.user_text import escaped_markdown

_SHARES_OF_ALL = frozenset({"share"})
"""Fields whose values in all entries of a list sum to 1, so that a new entry starts with 0."""


def document_fields(path: str, advanced: frozenset[str] = frozenset(), n_columns: int = 2) -> None:
    """Draw the fields of the document at ``path``, those in ``advanced`` in a closed section."""
    document = value_at(draft(), path)
    names = _drawn(document)
    kind = getattr(document, "kind", "")
    rest = [name for name in names if name in advanced or f"{kind}.{name}" in advanced]
    essential = [name for name in names if name not in rest]
    _draw(document, path, essential, advanced, n_columns)
    if isinstance(document, TenureRetention):
        _draw_survival(document)
    if rest:
        with st.expander(text()("entry_table.advanced"), icon=":material/tune:"):
            _draw(document, path, rest, frozenset(), n_columns)


def optional_part(
    path: str, name: str, advanced: frozenset[str] = frozenset(), n_columns: int = 4
) -> None:
    """Draw a switch for an optional part of the company, and its fields if it is on."""
    key = f"part.{path}#{scenario_session().revision}"
    is_present = value_at(draft(), path) is not None
    st.toggle(
        text()(f"entries.{name}"),
        value=is_present,
        key=key,
        on_change=_switch,
        args=(path, name, key),
    )
    if is_present:
        document_fields(path, advanced, n_columns)


def _drawn(document: Document) -> list[str]:
    """Return the fields that are drawn: plain ones first, then parts."""
    names = [
        name
        for name, info in type(document).model_fields.items()
        if not _has_no_field(info.annotation)
    ]
    return sorted(names, key=lambda name: _is_part(document, name))


def _is_part(document: Document, name: str) -> bool:
    return isinstance(getattr(document, name), Document | tuple)


def _has_no_field(kind: Any) -> bool:
    """Return whether a field is not drawn: a document's own kind, or a table of any names."""
    return get_origin(kind) is dict or (get_origin(kind) is Literal and len(get_args(kind)) == 1)


def _draw(
    document: Document, path: str, names: list[str], advanced: frozenset[str], n_columns: int
) -> None:
    plain = [name for name in names if not _is_part(document, name)]
    for start in range(0, len(plain), n_columns):
        for column, name in zip(
            st.columns(n_columns), plain[start : start + n_columns], strict=False
        ):
            with column:
                field(f"{path}.{name}")
    for name in names:
        if _is_part(document, name):
            _part(document, f"{path}.{name}", name, advanced)


def _part(document: Document, path: str, name: str, advanced: frozenset[str]) -> None:
    kind: Any = kind_in_class(type(document), name).type
    label, help_text = field_texts(path)
    if get_origin(kind) is tuple:
        (item, _) = get_args(kind)
        if isinstance(item, type) and issubclass(item, Document):
            _cards(path, label, help_text, advanced)
        else:
            _several(path, get_args(item), label, help_text)
        return
    st.markdown(f"**{label}**", help=help_text)
    if kinds := union_kinds(kind):
        key = f"kind.{path}#{scenario_session().revision}"
        labels = {code: option_label("kind", code) for code in kinds}
        st.selectbox(
            label,
            list(kinds),
            index=list(kinds).index(value_at(draft(), path).kind),
            format_func=labels.__getitem__,
            label_visibility="collapsed",
            key=key,
            on_change=_other_kind,
            args=(path, name, key),
        )
    document_fields(path, advanced)


def _draw_survival(retention: TenureRetention) -> None:
    """Say in customers what the parameters of a retention by tenure mean."""
    say = text()
    alpha, beta, c = float(retention.alpha), float(retention.beta), float(retention.c)
    month, year = (round(100 * float(left)) for left in survival(alpha, beta, c, [1, 12]))
    st.caption(say("entry_table.survival", month=month, year=year))


def _several(path: str, options: tuple[str, ...], label: str, help_text: str | None) -> None:
    """Draw a choice of several options."""
    session = scenario_session()
    error = session.errors.get(path)
    key = f"several.{path}#{session.revision}"
    labels = {option: option_label(path, option) for option in options}
    st.pills(
        label,
        options,
        selection_mode="multi",
        default=list(value_at(draft(), path)) if error is None else error.typed,
        format_func=labels.__getitem__,
        help=help_text,
        key=key,
        on_change=_take_several,
        args=(path, key, options),
    )
    if error is not None:
        draw_error(path, error)


def _cards(path: str, label: str, help_text: str | None, advanced: frozenset[str]) -> None:
    """Draw the documents of a list, each as a card with its fields."""
    say = text()
    st.markdown(f"**{label}**", help=help_text)
    documents = value_at(draft(), path)
    for index, document in enumerate(documents):
        with st.container(border=True):
            name = getattr(document, "name", None)
            head, button = st.columns([5, 1], vertical_alignment="center")
            head.markdown(f"**{escaped_markdown(name)}**" if name else f"**{label} {index + 1}**")
            button.button(
                say("entries.remove"),
                key=f"remove.{path}.{index}",
                icon=":material/delete:",
                type="tertiary",
                on_click=_remove_item,
                args=(path, index),
            )
            document_fields(f"{path}.{index}", advanced)
    _list_error(path)
    st.button(
        say("entries.add"),
        key=f"add.{path}",
        icon=":material/add:",
        on_click=_add_item,
        args=(path,),
    )


def _list_error(path: str) -> None:
    error = scenario_session().errors.get(path)
    if error is not None:
        draw_error(path, error)


def _change_list(path: str, items: list[dict[str, Any]]) -> None:
    session = scenario_session()
    if session.change_list(path, items):
        session.drop_errors([place for place in session.errors if place.startswith(f"{path}.")])


def _add_item(path: str) -> None:
    """Add a copy of the last document of a list, with a name of its own."""
    items = as_json(path)
    item = dict(items[-1]) if items else {"month": 1, "amount": "0"}
    if "name" in item:
        item["name"] = unused_name(str(item["name"]), [str(other["name"]) for other in items])
    for name in _SHARES_OF_ALL & item.keys():
        item[name] = "0"
    _change_list(path, [*items, item])


def _remove_item(path: str, index: int) -> None:
    items = as_json(path)
    del items[index]
    _change_list(path, items)


def _switch(path: str, name: str, key: str) -> None:
    scenario_session().change({path: default_entry(name) if st.session_state[key] else None})


def _other_kind(path: str, name: str, key: str) -> None:
    scenario_session().change({path: default_entry(name, st.session_state[key])})


def _take_several(path: str, key: str, options: tuple[str, ...]) -> None:
    chosen = st.session_state[key]
    value = [option for option in options if option in chosen]
    scenario_session().change_field(path, value, chosen)
