"""Right functions with wrong derivatives: what a checker must find before anybody believes its passes.

Every claim here is wrong on purpose; the fault is named by the function and told in its docstring.
"""
