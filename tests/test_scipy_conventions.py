"""What SciPy's solvers are given is audited as it is: trailing args, hessp, jac=True, sparse and operator Jacobians."""

import numpy as np
import pytest
from scipy.optimize import least_squares, minimize, rosen, rosen_der, rosen_hess, rosen_hess_prod
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import gradaudit as ga
from gradaudit.auditor import audit_case
from gradaudit.plan import make_plan
from gradaudit.suite import load_suite

START = np.array([-1.2, 1.0, 0.7])
TIMES = np.linspace(0.0, 2.0, 6)
HEIGHTS = np.array([2.0, 1.3, 0.8, 0.6, 0.35, 0.2])
GUESS = np.array([1.5, 0.8])


def bowl(x, centre, weights):
    return float((weights * (x - centre) ** 4).sum())


def bowl_gradient(x, centre, weights):
    return 4 * weights * (x - centre) ** 3


def bowl_hessian(x, centre, weights):
    return np.diag(12 * weights * (x - centre) ** 2)


def bowl_hessp(x, p, centre, weights):
    return 12 * weights * (x - centre) ** 2 * p


def bowl_hessp_of_a_wrong_order(x, p, weights, centre):
    return 12 * weights * (x - centre) ** 2 * p


def bowl_with_gradient(x, centre, weights):
    return bowl(x, centre, weights), bowl_gradient(x, centre, weights)


def decay(p, t, y):
    return p[0] * np.exp(-p[1] * t) - y


def decay_jacobian(p, t, y):
    return np.stack([np.exp(-p[1] * t), -p[0] * t * np.exp(-p[1] * t)], axis=1)


def broyden(x):
    return (3 - 2 * x) * x - np.append(0, x[:-1]) - 2 * np.append(x[1:], 0) + 1


def broyden_jacobian(x):
    ones = np.ones(x.size - 1)
    return diags_array([-ones, 3 - 4 * x, -2 * ones], offsets=[-1, 0, 1], format="csr")


ARGS = (0.5, np.array([1.0, 2.0, 3.0]))
X = np.linspace(-1, 2, 9)


def matvec(x, v):
    return broyden_jacobian(x) @ v.ravel()


def rmatvec(x, u):
    return broyden_jacobian(x).T @ u.ravel()


def operator(x):
    n = x.size
    return LinearOperator((n, n), matvec=lambda v: matvec(x, v), rmatvec=lambda u: rmatvec(x, u), dtype=float)


def test_minimize_with_args_jac_hess_and_hessp():
    solved = minimize(bowl, START, args=ARGS, jac=bowl_gradient, hess=bowl_hessian, method="trust-ncg", tol=1e-4)
    assert solved.success
    verdict = ga.audit(bowl, START, args=ARGS, gradient=bowl_gradient, hessian=bowl_hessian, hvp=bowl_hessp)
    assert verdict.status == "pass", verdict.message


def test_arguments_behind_the_vector_arrive_in_scipys_order():
    assert minimize(bowl, START, args=ARGS, jac=bowl_gradient, hessp=bowl_hessp, method="trust-krylov").nhev > 0
    wrong = ga.audit(bowl, START, args=ARGS, gradient=bowl_gradient, hvp=bowl_hessp_of_a_wrong_order)
    assert wrong.status == "fail"


def test_a_function_with_jac_true_is_its_own_value_and_gradient():
    assert minimize(bowl_with_gradient, START, args=ARGS, jac=True).success
    both = {"value_and_gradient": bowl_with_gradient}
    assert ga.audit(bowl_with_gradient, START, args=ARGS, **both).status == "pass"
    assert ga.audit(bowl, START, args=ARGS, **both).status == "pass"


def test_a_wrong_gradient_beside_the_value_is_found():
    def spoiled(x, centre, weights):
        value, gradient = bowl_with_gradient(x, centre, weights)
        gradient[1] *= 1.001
        return value, gradient

    verdict = ga.audit(spoiled, START, args=ARGS, value_and_gradient=spoiled)
    assert (verdict.status, verdict.diagnosis) == ("fail", "one element wrong")


def test_a_function_for_jac_true_that_gives_no_pair_fails():
    verdict = ga.audit(bowl, START, args=ARGS, value_and_gradient=bowl)
    assert (verdict.status, verdict.diagnosis) == ("fail", "shape mismatch")


def test_scipys_own_rosenbrock_passes_with_all_its_derivatives():
    verdict = ga.audit(rosen, START, gradient=rosen_der, hessian=rosen_hess, hvp=rosen_hess_prod)
    assert verdict.status == "pass", verdict.message


def test_a_dense_jacobian_of_least_squares_with_args():
    assert least_squares(decay, GUESS, jac=decay_jacobian, args=(TIMES, HEIGHTS)).success
    assert ga.audit(decay, GUESS, args=(TIMES, HEIGHTS), jacobian=decay_jacobian).status == "pass"
    verdict = ga.audit(decay, GUESS, args=(TIMES, HEIGHTS), jacobian=lambda p, t, y: -decay_jacobian(p, t, y))
    assert verdict.diagnosis == "wrong sign"


def test_a_sparse_jacobian_of_least_squares_and_an_entry_that_its_pattern_forgets():
    assert least_squares(broyden, X, jac=broyden_jacobian, method="trf", tr_solver="lsmr").success
    assert ga.audit(broyden, X, jacobian=broyden_jacobian).status == "pass"

    def forgetful(x):
        dense = broyden_jacobian(x).toarray()
        dense[4, 5] = 0.0
        return csr_array(dense)

    verdict = ga.audit(broyden, X, jacobian=forgetful)
    assert verdict.diagnosis == "one element wrong"
    assert "d out[4]/d x[5]" in verdict.message


@pytest.mark.parametrize("claim", [operator, lambda x: aslinearoperator(broyden_jacobian(x))])
def test_a_linear_operator_is_audited_by_its_products(claim):
    assert least_squares(broyden, X, jac=claim, tr_solver="lsmr").success
    verdict = ga.audit(broyden, X, jacobian=claim)
    assert verdict.status == "pass", verdict.message
    assert {element.check for element in verdict.elements} == {"jacobian"}


def test_a_wrong_column_in_matvec_is_named():
    def claim(x):
        def product(v):
            spoiled = v.ravel().copy()
            spoiled[3] *= 1.01
            return matvec(x, spoiled)

        return LinearOperator((x.size, x.size), matvec=product, rmatvec=lambda u: rmatvec(x, u), dtype=float)

    verdict = ga.audit(broyden, X, jacobian=claim)
    assert verdict.status == "fail"
    named = {element.input for element in verdict.elements if element.status == "fail"}
    assert {name for name in named if not name.startswith("tangent")} == {"x[3]"}


def test_a_transpose_that_is_none_is_found_though_matvec_is_right():
    def claim(x):
        return LinearOperator((x.size, x.size), matvec=lambda v: matvec(x, v), rmatvec=lambda u: matvec(x, u))

    verdict = ga.audit(broyden, X, jacobian=claim)
    assert verdict.status == "fail"
    assert "out·cotangent" in verdict.message


def failed(verdict, kind="input"):
    named = {getattr(element, kind) for element in verdict.elements if element.status == "fail"}
    return {name for name in named if not name.startswith("tangent")}


def test_a_wrong_element_of_rmatvec_is_named():
    def claim(x):
        def transposed(u):
            product = rmatvec(x, u)
            product[5] *= 1.01
            return product

        return LinearOperator((x.size, x.size), matvec=lambda v: matvec(x, v), rmatvec=transposed, dtype=float)

    verdict = ga.audit(broyden, X, jacobian=claim)
    assert (verdict.status, failed(verdict)) == ("fail", {"x[5]"})


def test_a_wrong_entry_of_hess_is_named_and_a_wrong_element_of_hessp_too():
    def hess(x):
        spoiled = rosen_hess(x)
        spoiled[1, 2] *= 1.01
        return spoiled

    def hessp(x, p):
        product = rosen_hess_prod(x, p)
        product[1] *= 1.01
        return product

    by_entry = ga.audit(rosen, START, gradient=rosen_der, hessian=hess, checks=["hessian"])
    assert (failed(by_entry, "output"), failed(by_entry)) == ({"gradient x[1]"}, {"x[2]"})
    by_product = ga.audit(rosen, START, gradient=rosen_der, hvp=hessp, checks=["hvp"])
    assert by_product.status == "fail"
    assert failed(by_product, "output") == {"gradient x[1]"}


def test_an_operator_without_a_transpose_is_audited_by_matvec_alone():
    def claim(x):
        return LinearOperator((x.size, x.size), matvec=lambda v: matvec(x, v), dtype=float)

    assert ga.audit(broyden, X, jacobian=claim).status == "pass"


def test_a_pair_of_functions_is_an_operator_too():
    def pair(x):
        return (lambda v: matvec(x, v)), (lambda u: rmatvec(x, u))

    def forwards(x):
        return (lambda v: matvec(x, v)), None

    def wrong(x):
        return (lambda v: matvec(x, v)), (lambda u: 1.001 * rmatvec(x, u))

    assert ga.audit(broyden, X, jacobian=pair).status == "pass"
    assert ga.audit(broyden, X, jacobian=forwards).status == "pass"
    assert ga.audit(broyden, X, jacobian=wrong).status == "fail"


def test_one_operator_for_each_of_several_inputs():
    a, b = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.3]]), np.array([0.2, -0.4])

    def product(a, b):
        return np.sin(a @ b)

    def operators(a, b):
        slope = np.cos(a @ b)
        by_a = LinearOperator(
            (3, 6), matvec=lambda v: slope * (v.reshape(3, 2) @ b), rmatvec=lambda u: np.outer(slope * u, b).ravel()
        )
        return by_a, aslinearoperator(slope[:, None] * a)

    assert ga.audit(product, a, b, jacobian=operators).status == "pass"
    verdict = ga.audit(product, a, b, jacobian=lambda a, b: operators(a, b)[:1])
    assert verdict.diagnosis == "shape mismatch"
    assert "jacobian returned 1 array for 2 differentiated inputs" in verdict.message


def test_a_hessian_may_be_sparse_or_an_operator():
    def sparse(x):
        return csr_array(rosen_hess(x))

    def as_operator(x):
        return LinearOperator((x.size, x.size), matvec=lambda p: rosen_hess_prod(x, p.ravel()))

    def wrong(x):
        return LinearOperator((x.size, x.size), matvec=lambda p: 1.001 * rosen_hess_prod(x, p.ravel()))

    assert minimize(rosen, START, jac=rosen_der, hess=as_operator, method="trust-constr").status in (1, 2)
    assert ga.audit(rosen, START, gradient=rosen_der, hessian=sparse).status == "pass"
    assert ga.audit(rosen, START, gradient=rosen_der, hessian=as_operator).status == "pass"
    assert ga.audit(rosen, START, gradient=rosen_der, hessian=wrong).status == "fail"


def test_a_suite_passes_args_after_everything_else_and_fills_in_axes(tmp_path, monkeypatch):
    (tmp_path / "model_with_args.py").write_text(
        "import numpy as np\n"
        "def f(x, scale, power):\n    return float(scale * (x**power).sum())\n"
        "def g(x, scale, power):\n    return scale * power * x**(power - 1)\n"
        "def hp(x, p, scale, power):\n    return scale * power * (power - 1) * x**(power - 2) * p\n"
        "def both(x, scale, power):\n    return f(x, scale, power), g(x, scale, power)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "suite.yaml").write_text(
        "version: 1\nfunctions:\n"
        "  - {function: 'model_with_args:f', gradient: 'model_with_args:g', hvp: 'model_with_args:hp',\n"
        "     inputs: {x: {shape: [3], uniform: {low: 1, high: 2}}}, args: [2.5, $p], matrix: {p: [2, 3]}}\n"
        "  - {name: pair, function: 'model_with_args:both', value_and_gradient: 'model_with_args:both',\n"
        "     inputs: {x: {shape: [3]}}, args: [2.5, 4]}\n"
    )
    cases = make_plan(load_suite([tmp_path / "suite.yaml"], environment={}))
    assert [case.target.args for case in cases] == [(2.5, 2), (2.5, 3), (2.5, 4)]
    assert [audit_case(case).message for case in cases if audit_case(case).status != "pass"] == []


def test_a_function_that_writes_into_its_further_arguments_is_told_so():
    def weighted(x, weights):
        weights *= 2
        return float((x * weights).sum())

    verdict = ga.audit(weighted, np.ones(3), args=(np.ones(3),), gradient=lambda x, weights: weights)
    assert (verdict.status, verdict.diagnosis) == ("fail", "input mutated")
    assert "changed its argument 1 of 'args'; work on a copy of it" in verdict.message
