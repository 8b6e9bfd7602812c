"""Questions to a dask cluster, each with a time limit: a worker that hangs is an answer too."""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True)
class Seen:
    """What the scheduler knows at one moment."""

    silence: Mapping[str, float]  #: s since each worker was last heard of, by address
    places: Mapping[str, tuple[str, ...]]  #: by key: the workers that have the call, or its result, in hand
    deaths: Mapping[str, int]  #: by key: workers that died with the call in hand


def threads_of(client: Any, *, limit: float) -> dict[str, int]:
    """How many cases each worker takes at once, by address. Raises TimeoutError where the scheduler does not say."""
    threads: dict[str, int] = client.sync(_threads_of, client, limit)
    return threads


def ask_scheduler(client: Any, function: Callable[..., Any], *args: object, limit: float) -> Any:
    """``function(*args)`` on the scheduler: its result or an exception."""
    return client.sync(_answered, partial(client.run_on_scheduler, function, *args), limit)


def whereabouts(client: Any, keys: Sequence[str], *, topic: str, limit: float) -> Seen:
    """Where the calls of ``keys`` are, and how the workers do. Raises whatever the scheduler, or its silence, gives.

    What the workers have said on ``topic`` is forgotten there: it is on its way to who listens.
    """
    answer = ask_scheduler(client, _whereabouts, keys, topic, limit=limit)
    if isinstance(answer, Exception):
        raise answer
    return Seen(*answer)


def forget(topic: str, dask_scheduler: Any) -> None:  # pragma: no cover - on the scheduler
    """Drop what was said on ``topic``: the scheduler would keep the last thousand events for good, verdicts and all."""
    if hasattr(dask_scheduler, "_broker"):
        dask_scheduler._broker.truncate(topic)
    else:  # before dask 2024.12
        dask_scheduler.events[topic].clear()


def _whereabouts(
    keys: Sequence[str], topic: str, dask_scheduler: Any
) -> tuple[dict[str, float], dict[str, tuple[str, ...]], dict[str, int]]:  # pragma: no cover - on the scheduler
    forget(topic, dask_scheduler)
    now = importlib.import_module("distributed.metrics").time()  # the clock that it notes heartbeats by
    silence = {address: now - worker.last_seen for address, worker in dask_scheduler.workers.items()}
    calls = {key: dask_scheduler.tasks[key] for key in keys if key in dask_scheduler.tasks}
    holders = {key: [call.processing_on] if call.processing_on else call.who_has or () for key, call in calls.items()}
    places = {key: tuple(worker.address for worker in found) for key, found in holders.items()}
    return silence, places, {key: call.suspicious for key, call in calls.items()}


def ask_all(
    client: Any, function: Callable[..., Any], *args: object, limit: float, workers: Sequence[str] | None = None
) -> dict[str, Any]:
    """``function(*args)`` on ``workers`` (None: all), beside what they do: by worker, its result or an exception.

    Raises TimeoutError where the scheduler does not say who its workers are.
    """
    answers: dict[str, Any] = client.sync(_ask_all, client, function, args, limit, workers)
    return answers


async def beside(function: Callable[..., Any], *args: object) -> Any:
    """On a worker: ``function(*args)`` in a thread, so that the worker goes on telling the scheduler that it lives."""
    return await asyncio.to_thread(function, *args)


async def _threads_of(client: Any, limit: float) -> dict[str, int]:
    answer = await _answered(client.nthreads, limit)
    if isinstance(answer, Exception):
        raise answer
    return dict(answer)


async def _ask_all(
    client: Any, function: Callable[..., Any], args: tuple[object, ...], limit: float, workers: Sequence[str] | None
) -> dict[str, Any]:
    addresses = list(await _threads_of(client, limit)) if workers is None else workers
    answers = await asyncio.gather(*(_ask(client, address, function, args, limit) for address in addresses))
    return {f"worker {address}": answer for address, answer in zip(addresses, answers, strict=True)}


async def _ask(
    client: Any, address: str, function: Callable[..., Any], args: tuple[object, ...], limit: float
) -> object:
    answers = await _answered(partial(client.run, function, *args, workers=[address], on_error="return"), limit)
    return answers if isinstance(answers, Exception) else answers.get(address, ConnectionError("it has gone"))


async def _answered(ask: Callable[[], Awaitable[Any]], limit: float) -> Any:
    """What ``ask()`` comes to, or why it came to nothing, which may be that it took over ``limit`` seconds."""
    try:
        async with asyncio.timeout(limit):
            return await ask()
    except TimeoutError:
        return TimeoutError(f"no answer within {limit:g} s")
    except Exception as problem:
        return problem
