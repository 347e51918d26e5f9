"""The use cases: the only place that checks access, writes history and moves a status on.

Tools are in ``tools``, their builds in ``builds``, runs in ``runs``, cleaning up in ``garbage``.
"""
