"""Which nodes of a ray cluster may take a case: those that were found in order; a node that joins is asked first."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from gradaudit.backends import BackendLost, library

ray = library("ray", "ray")


class Nodes:
    """The nodes by id. Those in ``admitted`` were found in order; None: all are, the later ones too.

    ``examine`` says what is wrong with a node, and nothing where it is in order.
    """

    def __init__(
        self, admitted: Iterable[str] | None = None, *, examine: Callable[[str], str] = lambda node: ""
    ) -> None:
        self.admitted = None if admitted is None else frozenset(admitted)
        self._examine = examine
        self._asking = threading.Lock()
        self._barred: dict[str, str] = {}  # and why

    def meet(self, node: str) -> None:
        """Admit a node that has joined, or bar it. Raises BackendLost where only barred ones are left."""
        with self._asking:  # many calls may have come to it at once
            if self.admitted is None or node in self.admitted:
                return
            if node not in self._barred and (problem := self._examine(node)):
                self._barred[node] = problem
            elif node not in self._barred:
                self.admitted |= {node}
        if not with_cores() - self._barred.keys():
            raise BackendLost(f"the ray cluster has only nodes that are not in order: {'; '.join(self.refused())}")

    def refused(self) -> list[str]:
        """Why nodes are not used."""
        return list(self._barred.values())

    def options(self) -> dict[str, Any]:
        """Options for a task of ray's that keep it from barred nodes."""
        if not self._barred:
            return {}
        strategies = ray.util.scheduling_strategies
        apart = {_label(): strategies.NotIn(*self._barred)}
        return {"scheduling_strategy": strategies.NodeLabelSchedulingStrategy(hard=apart)}


def here() -> str:
    """The id of the node that this worker is on."""
    node: str = ray.get_runtime_context().get_node_id()
    return node


def alive() -> dict[str, str]:
    """What to call each node that is there, by id: its address, with its port where a machine has several."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    machines = Counter(node["NodeManagerAddress"] for node in nodes)
    return {node["NodeID"]: f"node {_address(node, alone=machines[node['NodeManagerAddress']] == 1)}" for node in nodes}


def _address(node: dict[str, Any], *, alone: bool) -> str:
    return str(node["NodeManagerAddress"]) + ("" if alone else f":{node['NodeManagerPort']}")


def with_cores() -> set[str]:
    """Nodes that take cases at all."""
    return {node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")}


def _label() -> str:
    # ray calls it 'ray.io/node-id', or 'ray.io/node_id', by its version
    node = next(node for node in ray.nodes() if node["Alive"])
    return next(name for name, value in node["Labels"].items() if value == node["NodeID"])
