"""Derivatives, by hand, of functions of SciPy: what scipy.yaml claims. Sources: the NIST Digital Library of
Mathematical Functions (DLMF) for special functions, Giles (2008), "Collected matrix derivative results", for matrices.
"""
