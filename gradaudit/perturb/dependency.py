"""Which outputs depend on which coordinates, found from f by changing many coordinates at once and looking at bits.

Finite changes are seen where a NaN would be swallowed (``where``, ``maximum``, a comparison), and an output that does
not change by one bit does not depend on what was moved, at that step. What is found is confirmed by moving random
halves: an output must keep its bits where nothing of its own moved, and show those of the full move where its own did.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gradaudit.perturb.noise import Function
from gradaudit.perturb.pattern import Indices, Pattern
from gradaudit.perturb.samples import Array
from gradaudit.perturb.steps import Point, narrowed

Mask = NDArray[np.bool_]

#: Random halves that confirm a pattern nobody has looked for: any one dependence beside it is missed in 2⁻²⁰ of cases.
CONFIRMING = 20
#: And one that was found from f itself: what it lacks had not changed a bit before.
CONFIRMING_FOUND = 6
#: Coordinates move by their scale times these powers of two at most, at least half as much: far enough to meet what any
#: step may meet. A smaller one is taken where f has no value so far away.
REACHES = (0.0, -4.0, -10.0)
#: The search begins with so many blocks of neighbouring coordinates.
BLOCKS = 4
#: Where outputs depend on more than this part of so few blocks on average, f has no structure worth knowing,
DENSE = 0.95
#: nor where one depends on more than this part of so many blocks, or more.
CROWDED = ((16, 0.9), (64, 0.4), (256, 0.15))


@dataclass
class Search:
    """A function whose dependencies are looked for, and what that has cost."""

    function: Function  #: float64[n] -> float64[m]
    point: Point
    base: Array  #: (m,) f(x)
    rng: np.random.Generator
    budget: int  #: evaluations that may be spent
    evaluations: int = 0  #: of f, so far
    #: where each coordinate is moved to, up or down, by reach: the same all along, so that what a maximum or a kink
    #: hides is hidden at every look
    _moved: dict[tuple[float, bool], Array] = field(default_factory=dict)

    def pattern(self, offered: Sequence[Pattern] = ()) -> Pattern | None:
        """A pattern that f keeps to: one of those ``offered``, where f does; else what is found. None: f has none that
        is found within the budget.
        """
        for candidate in offered:
            if self._affordable(candidate, CONFIRMING) and self._confirmed(candidate, CONFIRMING):
                return candidate
        found = self._found()
        if found is None or not self._affordable(found, CONFIRMING_FOUND):
            return None
        return found if self._confirmed(found, CONFIRMING_FOUND) else None

    def column_by_column(self) -> Pattern | None:
        """What each coordinate changes by itself: two evaluations of each, whatever the budget; None where f has no
        value beside x.
        """
        output, coordinate = [], []
        for j in range(self.point.x.size):
            looks = list(self._looks(np.array([j])))
            if not looks:
                return None
            changed = np.flatnonzero(np.logical_or.reduce([differs(value, self.base) for _, value in looks]))
            output.append(changed)
            coordinate.append(np.full(changed.size, j))
        return Pattern.of(np.concatenate(output), np.concatenate(coordinate), shape=(self.base.size, self.point.x.size))

    def _affordable(self, pattern: Pattern, halves: int) -> bool:
        left = self.budget - self.evaluations
        return pattern.crowd * (halves + 1) <= left and pattern.colours * (halves + 1) <= left

    def _confirmed(self, pattern: Pattern, halves: int) -> bool:
        """Whether f keeps to it, when all coordinates of a colour move, and when random halves of them do."""
        for colour in range(pattern.colours):
            members = np.flatnonzero(pattern.colour == colour)
            looks = list(self._looks(members))
            if not looks or not all(self._consistent(pattern, members, *look, halves // len(looks)) for look in looks):
                return False
        return True

    def _consistent(self, pattern: Pattern, members: Indices, moved: Array, whole: Array, halves: int) -> bool:
        for _ in range(halves):
            half = members[self.rng.random(members.size) < 0.5]
            part = self._value(half, moved)
            if part is None or not keeps_to(pattern, half, part, whole=whole, base=self.base, members=members):
                return False
        return True

    def _found(self) -> Pattern | None:
        """Blocks of neighbouring coordinates, halved until each holds one; those that no output shares move at once."""
        n, m = self.point.x.size, self.base.size
        edges = _split(np.array([0, n]), BLOCKS)
        blocks = len(edges) - 1
        entries = Pattern.of(np.tile(np.arange(m), blocks), np.repeat(np.arange(blocks), m), shape=(m, blocks))
        while True:
            known = self._depends(entries, edges)
            if known is None or _too_dense(known):
                return None
            if len(edges) - 1 == n:
                return known
            edges, parent = _halved(edges)
            entries = _inherited(known, parent)

    def _depends(self, candidates: Pattern, edges: Indices) -> Pattern | None:
        """Those entries (output, block) at which the output changes with the block."""
        if not self._affordable(candidates, 1):
            return None
        seen = np.zeros(candidates.output.size, dtype=bool)
        for colour in range(candidates.colours):
            blocks = np.flatnonzero(candidates.colour == colour)
            _, entry = candidates.entries_of(blocks)
            outputs = candidates.output[entry]
            members = _members(edges, blocks)
            looks = list(self._looks(members))
            if not looks:
                return None
            changed = np.logical_or.reduce([differs(value, self.base) for _, value in looks])
            seen[entry] = changed[outputs]
            changed[outputs] = False
            if changed.any():  # it did not change before, when these moved with others
                return None
        return Pattern.of(
            candidates.output[seen],
            candidates.coordinate[seen],
            shape=(candidates.outputs, candidates.coordinates),
        )

    def _looks(self, members: Indices) -> Iterator[tuple[Array, Array]]:
        """Where ``members`` are moved to (n,), up and down, and f there; nothing where f has no value at any reach."""
        for upwards in (True, False):
            for octave in REACHES:
                moved = self._target(octave, upwards)
                value = self._value(members, moved)
                if value is not None:
                    yield moved, value
                    break

    def _target(self, octave: float, upwards: bool) -> Array:
        if (octave, upwards) not in self._moved:
            self._moved[octave, upwards] = beside(self.point, octave, rng=self.rng, upwards=upwards)
        return self._moved[octave, upwards]

    def _value(self, members: Indices, moved: Array) -> Array | None:
        at = self.point.x.copy()
        at[members] = moved[members]
        self.evaluations += 1
        value = self.function(at)
        return value if value is not None and value.size == self.base.size else None


def keeps_to(pattern: Pattern, half: Indices, part: Array, *, whole: Array, base: Array, members: Indices) -> bool:
    """Whether f, with ``half`` of ``members`` moved, is what the pattern says.

    ``part`` is f there, ``whole`` with all of them moved, ``base`` with none. Those outputs that depend on what moved
    have the bits of ``whole``, all others those of ``base``.
    """
    expected = base.copy()
    outputs = pattern.output[pattern.entries_of(half)[1]]
    expected[outputs] = whole[outputs]
    if differs(part, expected).any():
        return False
    alone = base.copy()
    outputs = pattern.output[pattern.entries_of(members)[1]]
    alone[outputs] = whole[outputs]
    return not differs(whole, alone).any()


def differs(a: Array, b: Array) -> Mask:
    """Which values are not the same to the last bit; a NaN is as good as another."""
    return np.asarray((a != b) & ~(np.isnan(a) & np.isnan(b)))


def beside(point: Point, octave: float, *, rng: np.random.Generator, upwards: bool) -> Array:
    """(n,) for each coordinate a value ½ to 1 times s·2^octave away, no two alike, so that nothing cancels.

    Where that leaves the bounds, it is the other side of x or a smaller step; x itself where there is no room at all.
    """
    x, at = point.x, point.x.copy()
    reach = point.scale * np.exp2(octave) * rng.uniform(0.5, 1.0, x.size)
    for step in _tries(reach, 1.0 if upwards else -1.0):
        stuck = at == x
        if not stuck.any():
            break
        there = narrowed(x + step, point.epsilon)
        at = np.where(stuck & (there >= point.lower) & (there <= point.upper), there, at)
    return at


def _tries(reach: Array, sign: float) -> Iterator[Array]:
    for octave in (0, -3, -6, -12, -24):
        yield sign * reach * 2.0**octave
        yield -sign * reach * 2.0**octave


def _split(edges: Indices, parts: int) -> Indices:
    return np.unique(np.linspace(edges[0], edges[-1], parts + 1).astype(np.intp))


def _halved(edges: Indices) -> tuple[Indices, Indices]:
    """Each block in halves: the new edges, and the block that each of the new ones comes from."""
    both = np.unique(np.concatenate([edges, (edges[:-1] + edges[1:]) // 2]))
    return both, np.searchsorted(edges, both[:-1], side="right") - 1


def _inherited(known: Pattern, parent: Indices) -> Pattern:
    """Every entry of a block, for each of the blocks that it was split into."""
    child, entry = known.entries_of(parent)
    entries = Pattern.of(known.output[entry], child, shape=(known.outputs, len(parent)))
    if known.crowd <= 1:  # of each pair of halves one is moved at a time: no need to search for colours
        second = np.append(False, parent[1:] == parent[:-1]).astype(np.intp)
        return entries.coloured(second)
    return entries


def _members(edges: Indices, blocks: Indices) -> Indices:
    """The coordinates in some blocks."""
    inside = np.zeros(len(edges) - 1, dtype=bool)
    inside[blocks] = True
    return np.flatnonzero(np.repeat(inside, np.diff(edges)))


def _too_dense(known: Pattern) -> bool:
    if known.output.size > DENSE * known.outputs * known.coordinates:
        return True
    limits = [limit for blocks, limit in CROWDED if known.coordinates >= blocks]
    return bool(limits and known.crowd > limits[-1] * known.coordinates)
