"""Who comes next, where many wait for what only some can have at once: fair shares, pure."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shares:
    """How many may be under way at once, of all users and of one; 0 sets no limit."""

    of_all: int = 0
    of_one: int = 0

    def has_room(self, under_way: Mapping[str, int], owner: str) -> bool:
        """Tell whether one more of an owner's may begin."""
        return (not self.of_all or sum(under_way.values()) < self.of_all) and (
            not self.of_one or under_way.get(owner, 0) < self.of_one
        )


def next_in_line(
    waiting: Sequence[tuple[str, str]], under_way: Mapping[str, int], shares: Shares
) -> list[str]:
    """Return the ids of those that may begin now, in the order in which they should.

    The next is always that of the user with the fewest under way; among equals, the one that has
    waited longest. So nobody waits behind all that another has asked for.

    Parameters
    ----------
    waiting
        Id and owner of each that waits, the longest waiting first.
    under_way
        How many each owner has under way.
    """
    lines: dict[str, deque[tuple[int, str]]] = defaultdict(deque)
    for place, (key, owner) in enumerate(waiting):
        lines[owner].append((place, key))
    counts = dict(under_way)
    heads = [(counts.get(owner, 0), line[0][0], owner) for owner, line in lines.items()]
    heapq.heapify(heads)
    chosen: list[str] = []
    while heads:
        count, _, owner = heapq.heappop(heads)
        if not shares.has_room(counts, owner):
            if shares.of_all and sum(counts.values()) >= shares.of_all:
                break
            continue  # this owner has all that one may have
        line = lines[owner]
        chosen.append(line.popleft()[1])
        counts[owner] = count + 1
        if line:
            heapq.heappush(heads, (count + 1, line[0][0], owner))
    return chosen
