"""Questions to a dask cluster, each with a time limit: a worker that hangs is an answer too."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any


def threads_of(client: Any, *, limit: float) -> dict[str, int]:
    """How many cases each worker takes at once, by address. Raises TimeoutError where the scheduler does not say."""
    threads: dict[str, int] = client.sync(_threads_of, client, limit)
    return threads


def ask_scheduler(client: Any, function: Callable[..., Any], *args: object, limit: float) -> Any:
    """``function(*args)`` on the scheduler: its result or an exception."""
    return client.sync(_answered, partial(client.run_on_scheduler, function, *args), limit)


def ask_all(client: Any, function: Callable[..., Any], *args: object, limit: float) -> dict[str, Any]:
    """``function(*args)`` on every worker, beside what it is doing: by worker, its result or an exception.

    Raises TimeoutError where the scheduler does not say who its workers are.
    """
    answers: dict[str, Any] = client.sync(_ask_all, client, function, args, limit)
    return answers


async def beside(function: Callable[..., Any], *args: object) -> Any:
    """On a worker: ``function(*args)`` in a thread, so that the worker goes on telling the scheduler that it lives."""
    return await asyncio.to_thread(function, *args)


async def _threads_of(client: Any, limit: float) -> dict[str, int]:
    answer = await _answered(client.nthreads, limit)
    if isinstance(answer, Exception):
        raise answer
    return dict(answer)


async def _ask_all(client: Any, function: Callable[..., Any], args: tuple[object, ...], limit: float) -> dict[str, Any]:
    addresses = list(await _threads_of(client, limit))
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
