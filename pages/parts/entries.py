"""Lists of documents in the scenario: choose an entry, edit it, add one, remove one."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import streamlit as st

from engine.document_paths import field_name, value_at
from engine.documents import Document
from finance.company.defaults import ONLY_KIND, default_entry, kinds_of
from finance.company.provenance import OriginKind
from pages.parts.fields import field, field_texts, option_label
from pages.parts.kinds import field_kind, union_kinds
from pages.parts.session import draft, scenario_session, text
from pages.parts.tables import table


def entries(path: str) -> None:
    """Draw the list at ``path``: a choice of its entries, and the fields of the chosen entry."""
    say, name = text(), field_name(path)
    documents = value_at(draft(), path)
    chosen = min(st.session_state.get(f"entry.{path}", 0), len(documents) - 1)
    if documents:
        labels = [_label(number, entry) for number, entry in enumerate(documents)]
        key = f"entries.{path}#{scenario_session().revision}.{hash(tuple(labels))}"
        st.selectbox(
            say(f"entries.{name}"),
            range(len(documents)),
            index=chosen,
            format_func=labels.__getitem__,
            key=key,
            on_change=_choose,
            args=(path, key),
        )
    else:
        st.caption(say(f"entries.{name}_none"))
    with st.container(horizontal=True):
        _add_buttons(path, name)
        st.button(
            say("entries.remove"),
            key=f"remove.{path}",
            icon=":material/delete:",
            type="tertiary",
            disabled=not documents,
            on_click=_remove,
            args=(path, chosen),
        )
    if documents:
        document_fields(f"{path}.{chosen}")


def optional_part(path: str, name: str) -> None:
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
        document_fields(path)


def document_fields(path: str) -> None:
    """Draw all fields of the document at ``path``: plain ones in two columns, then its parts."""
    document = value_at(draft(), path)
    plain: list[str] = []
    parts: list[str] = []
    for name, info in type(document).model_fields.items():
        if _has_no_field(info.annotation):
            continue
        value = getattr(document, name)
        (parts if isinstance(value, Document | tuple) else plain).append(name)
    for start in range(0, len(plain), 2):
        for column, name in zip(
            st.columns(2, vertical_alignment="bottom"), plain[start : start + 2], strict=False
        ):
            with column:
                field(f"{path}.{name}")
    for name in parts:
        _part(document, f"{path}.{name}", name)


def _has_no_field(kind: Any) -> bool:
    """Return whether a field is not drawn: a document's own kind, or a table of any names."""
    return get_origin(kind) is dict or (get_origin(kind) is Literal and len(get_args(kind)) == 1)


def _part(document: Document, path: str, name: str) -> None:
    kind: Any = field_kind(type(document).model_fields[name]).type
    label, help_text = field_texts(path)
    if get_origin(kind) is tuple:
        (item, _) = get_args(kind)
        if isinstance(item, type) and issubclass(item, Document):
            table(path, item, label)
        else:
            _several(path, get_args(item), label, help_text)
        return
    st.markdown(f"**{label}**", help=help_text)
    if kinds := union_kinds(kind):
        key = f"kind.{path}#{scenario_session().revision}"
        labels = {name: option_label("kind", name) for name in kinds}
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
    document_fields(path)


def _several(path: str, options: tuple[str, ...], label: str, help_text: str | None) -> None:
    key = f"several.{path}#{scenario_session().revision}"
    labels = {option: option_label(path, option) for option in options}
    st.pills(
        label,
        options,
        selection_mode="multi",
        default=list(value_at(draft(), path)),
        format_func=labels.__getitem__,
        help=help_text,
        key=key,
        on_change=_take_several,
        args=(path, key, options),
    )


def _add_buttons(path: str, name: str) -> None:
    say, kinds = text(), kinds_of(name)
    if kinds == (ONLY_KIND,):
        st.button(
            say("entries.add"),
            key=f"add.{path}.{ONLY_KIND}",
            icon=":material/add:",
            on_click=_add,
            args=(path, name, ONLY_KIND),
        )
        return
    with st.popover(say("entries.add"), icon=":material/add:"):
        for kind in kinds:
            st.button(
                option_label("kind", kind),
                key=f"add.{path}.{kind}",
                type="tertiary",
                on_click=_add,
                args=(path, name, kind),
            )


def _label(number: int, entry: Any) -> str:
    kind = getattr(entry, "kind", None)
    name = f"{number + 1}. {entry.name}"
    return name if kind is None else f"{name} · {option_label('kind', kind)}"


def _choose(path: str, key: str) -> None:
    st.session_state[f"entry.{path}"] = st.session_state[key]


def _as_json(path: str) -> list[dict[str, Any]]:
    return [document.model_dump(mode="json") for document in value_at(draft(), path)]


def _change(path: str, value: object, by: OriginKind = "user") -> bool:
    return scenario_session().change({path: value}, by=by)


def _add(path: str, name: str, kind: str) -> None:
    before = _as_json(path)
    if _change(path, [*before, default_entry(name, kind)], "default"):
        st.session_state[f"entry.{path}"] = len(before)


def _remove(path: str, number: int) -> None:
    rest = _as_json(path)
    del rest[number]
    _change(path, rest)


def _switch(path: str, name: str, key: str) -> None:
    _change(path, default_entry(name) if st.session_state[key] else None, "default")


def _other_kind(path: str, name: str, key: str) -> None:
    _change(path, default_entry(name, st.session_state[key]), "default")


def _take_several(path: str, key: str, options: tuple[str, ...]) -> None:
    chosen = st.session_state[key]
    _change(path, [option for option in options if option in chosen])
