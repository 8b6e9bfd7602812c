"""Log-likelihoods of statsmodels' models by their parameters, with its own score, Hessian and score per observation."""

from functools import cache
from typing import Any

import numpy as np
import statsmodels.api as sm
from statsmodels.discrete import conditional_models, count_model, discrete_model, truncated_model
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.othermod.betareg import BetaModel


@cache
def _model(name: str) -> Any:
    """The model that is called ``name``, over the same made-up data."""
    rng = np.random.default_rng(0)
    x = sm.add_constant(rng.normal(size=(30, 2)))
    binary, counts, heights = rng.integers(0, 2, 30), rng.poisson(2.0, 30), rng.normal(size=30)
    positive = rng.gamma(2.0, size=30)
    few, some = np.maximum(counts - 1, 0), np.maximum(counts, 1)  # with zeros, and without
    groups, shares = np.repeat(np.arange(6), 5), rng.beta(2.0, 3.0, 30)
    made = {
        "logit": lambda: discrete_model.Logit(binary, x),
        "probit": lambda: discrete_model.Probit(binary, x),
        "poisson": lambda: discrete_model.Poisson(counts, x),
        "generalized poisson": lambda: discrete_model.GeneralizedPoisson(counts, x),
        "negative binomial": lambda: discrete_model.NegativeBinomial(counts, x),
        "negative binomial p": lambda: discrete_model.NegativeBinomialP(counts, x),
        "negative binomial, nb1": lambda: discrete_model.NegativeBinomial(counts, x, loglike_method="nb1"),
        "negative binomial p, p=1": lambda: discrete_model.NegativeBinomialP(counts, x, p=1),
        "negative binomial p, p=1.5": lambda: discrete_model.NegativeBinomialP(counts, x, p=1.5),
        "zero-inflated poisson, zeros": lambda: count_model.ZeroInflatedPoisson(few, x),
        "truncated poisson": lambda: truncated_model.TruncatedLFPoisson(some, x),
        "truncated negative binomial": lambda: truncated_model.TruncatedLFNegativeBinomialP(some, x),
        "truncated negative binomial, p=1": lambda: truncated_model.TruncatedLFNegativeBinomialP(some, x, p=1),
        "truncated generalized poisson": lambda: truncated_model.TruncatedLFGeneralizedPoisson(some, x),
        "hurdle": lambda: truncated_model.HurdleCountModel(few, x),
        "conditional logit": lambda: conditional_models.ConditionalLogit(binary, x[:, 1:], groups=groups),
        "conditional poisson": lambda: conditional_models.ConditionalPoisson(counts, x[:, 1:], groups=groups),
        "breslow": lambda: PHReg(np.round(positive), x[:, 1:], status=binary),
        "efron": lambda: PHReg(np.round(positive), x[:, 1:], status=binary, ties="efron"),
        "beta": lambda: BetaModel(shares, x),
        "least squares": lambda: sm.OLS(heights, x),
        "multinomial": lambda: discrete_model.MNLogit(rng.integers(0, 3, 30), x),
        "zero-inflated poisson": lambda: count_model.ZeroInflatedPoisson(counts, x),
        "gaussian": lambda: sm.GLM(heights, x),
        "gamma, log": lambda: sm.GLM(positive, x, family=sm.families.Gamma(sm.families.links.Log())),
        "binomial, cloglog": lambda: sm.GLM(binary, x, family=sm.families.Binomial(sm.families.links.CLogLog())),
        "inverse gaussian, log": lambda: sm.GLM(
            positive, x, family=sm.families.InverseGaussian(sm.families.links.Log())
        ),
    }
    return made[name]()


def loglike(params: Any, name: str, **options: Any) -> Any:
    """The log-likelihood; the scale of a generalised linear model is an option, for it is estimated where left out."""
    return _model(name).loglike(params, **options)


def score(params: Any, name: str, **options: Any) -> Any:
    """Its gradient, as statsmodels has it."""
    return _model(name).score(params, **options)


def hessian(params: Any, name: str, **options: Any) -> Any:
    """Its Hessian, as statsmodels has it."""
    return _model(name).hessian(params, **options)


def loglike_observed(params: Any, name: str) -> Any:
    """The log-likelihood of every observation."""
    return _model(name).loglikeobs(params)


def score_observed(params: Any, name: str) -> Any:
    """Its Jacobian, as statsmodels has it."""
    return _model(name).score_obs(params)
