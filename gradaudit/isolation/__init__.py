"""How a case is kept apart: a keeper beside each worker, the process that workers are forked from, what passes between.

Backends meet it through ``keeper``; ``worker`` is the one module here that runs user code.
"""
