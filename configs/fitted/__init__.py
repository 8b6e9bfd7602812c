"""Functions of scikit-learn and statsmodels that ship their own derivatives."""
