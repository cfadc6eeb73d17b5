"""Compute: what is needed, what it costs on demand, and the contracts that get it otherwise.

Read ``rates`` (from the engine's forecast), ``needs`` (hours and money by what for), ``contracts``
(the documents), ``supply`` (which contract serves which need), ``posting``; then ``comparison``.
"""
