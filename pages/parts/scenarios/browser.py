"""Identity of a browser without sign-in: a random id in a cookie, of which the store has the hash.

Streamlit reads cookies and cannot set them, so a component without a visible part sets the cookie
on a browser's first visit and reports whether the browser kept it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

import streamlit as st

from finance.scenarios.shares import token_hash

COOKIE = "flopledger_browser"
_ID = re.compile(r"[A-Za-z0-9_-]{20,64}")
_KEY = "browser_cookie"
_PROPOSED = "browser_id_proposed"
_ANSWERED = "browser_id_answered"
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")

# The script keeps the id of another tab that was opened at the same time. 400 days are the longest
# life of a cookie that browsers allow.
_SCRIPT = """
export default function ({ data, setTriggerValue }) {
  const kept = () =>
    document.cookie
      .split("; ")
      .find((entry) => entry.startsWith(data.cookie + "="))
      ?.slice(data.cookie.length + 1) ?? ""
  try {
    if (!kept()) {
      const secure = location.protocol === "https:" ? "; Secure" : ""
      document.cookie =
        `${data.cookie}=${data.id}; path=/; max-age=34560000; SameSite=Lax${secure}`
    }
    setTriggerValue("kept", kept() || "none")
  } catch {
    setTriggerValue("kept", "none")
  }
}
"""
_set_cookie = st.components.v2.component("flopledger_browser_cookie", js=_SCRIPT)


def known_browser() -> str | None:
    """Return the hash of this browser's id; None if it has none yet, or keeps none."""
    return _hash_of(_sent(st.context.cookies.get(COOKIE)))


def ask_browser_to_keep_id(on_known: Callable[[str], None]) -> None:
    """Give a browser without an id one, and call ``on_known`` with its hash once it is kept.

    A browser that refuses cookies has no id; its drafts end with its session.
    """
    if known_browser() is not None or st.session_state.get(_ANSWERED):
        return
    proposed = st.session_state.setdefault(_PROPOSED, secrets.token_urlsafe(24))
    _set_cookie(
        key=_KEY,
        data={"cookie": COOKIE, "id": proposed},
        on_kept_change=lambda: _take_answer(on_known),
    )


def keeps_no_id() -> bool:
    """Return whether the browser has answered that it keeps no id."""
    return known_browser() is None and st.session_state.get(_ANSWERED) == "none"


def is_this_machine() -> bool:
    """Return whether the browser runs on the machine of the server and connects directly.

    A request through a proxy has the proxy's headers or the host's public name.
    """
    headers = st.context.headers
    if any(_sent(headers.get(name)) for name in _PROXY_HEADERS):
        return False
    address = _sent(st.context.ip_address)
    host = urlsplit(f"//{_sent(headers.get('Host'))}").hostname
    return (not address or _is_loopback(address)) and (not host or _is_loopback(host))


def _take_answer(on_known: Callable[[str], None]) -> None:
    answer = st.session_state[_KEY].kept
    if not isinstance(answer, str):
        return
    st.session_state[_ANSWERED] = answer if _hash_of(answer) else "none"
    browser = _hash_of(answer)
    if browser is not None:
        on_known(browser)


def _sent(value: object) -> str:
    """Return what the browser sent; empty if it sent nothing, or if no browser is connected."""
    return value if isinstance(value, str) else ""


def _hash_of(browser_id: str) -> str | None:
    return token_hash(browser_id) if _ID.fullmatch(browser_id) else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
