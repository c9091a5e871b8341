"""Outlines as the page script sends them."""

from typing import Any

from skyvern_runner.perceive.rows import ACTIONABLE, Tree, parse


def tree(rows: list[list[Any]], lists: list[list[Any]] | None = None) -> Tree:
    return parse({"rows": rows, "lists": lists or []})


def links(count: int, flags: int = ACTIONABLE, group: int = -1) -> list[list[Any]]:
    return [[0, f"{i:x}", "link", f"Job {i}", "", flags, group, i] for i in range(1, count + 1)]
