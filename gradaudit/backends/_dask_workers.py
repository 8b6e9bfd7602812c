"""Questions to every worker of a dask cluster, each with a time limit: one that hangs is an answer too."""

import asyncio
from collections.abc import Callable
from typing import Any


def ask_all(client: Any, function: Callable[..., Any], *args: object, limit: float) -> dict[str, Any]:
    """``function(*args)`` on every worker, beside what it is doing: by worker, its result or an exception."""
    answers: dict[str, Any] = client.sync(_ask_all, client, function, args, limit)
    return answers


async def _ask_all(client: Any, function: Callable[..., Any], args: tuple[object, ...], limit: float) -> dict[str, Any]:
    addresses = list(await client.nthreads())
    answers = await asyncio.gather(*(_ask(client, address, function, args, limit) for address in addresses))
    return {f"worker {address}": answer for address, answer in zip(addresses, answers, strict=True)}


async def _ask(
    client: Any, address: str, function: Callable[..., Any], args: tuple[object, ...], limit: float
) -> object:
    try:
        async with asyncio.timeout(limit):
            answers = await client.run(function, *args, workers=[address], on_error="return")
    except TimeoutError:
        return TimeoutError(f"no answer within {limit:g} s")
    except Exception as problem:
        return problem
    return answers.get(address, ConnectionError("it has gone"))


async def beside(function: Callable[..., Any], *args: object) -> Any:
    """On a worker: ``function(*args)`` in a thread, so that the worker goes on telling the scheduler that it lives."""
    return await asyncio.to_thread(function, *args)
