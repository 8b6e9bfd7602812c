"""PyTorch's operators at its own samples end as their suite says; a sample holds what the operator is called with."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the operators are PyTorch's: pip install 'gradaudit[torch]'")
pytest.importorskip("expecttest", reason="PyTorch's database of operators needs it: pip install expecttest")

from gradaudit.judge.verdict import Status  # noqa: E402
from gradaudit.plan import make_plan  # noqa: E402
from gradaudit.plan.selection import Selection  # noqa: E402
from gradaudit.running import runner  # noqa: E402 - only where torch is there
from gradaudit.suite import load_suite  # noqa: E402

CONFIGS = Path(__file__).parent.parent / "configs"
SUITE = CONFIGS / "torch_opinfo.yaml"


@pytest.fixture
def opinfo(monkeypatch):
    """The module beside the suite; operators are called in double precision, as the engine calls them."""
    monkeypatch.syspath_prepend(CONFIGS)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield pytest.importorskip("opinfo")
    torch.set_default_dtype(before)


def test_operators_of_every_kind_end_as_the_suite_says(tmp_path):
    audit = runner.run(SUITE, select=Selection(tags=("fast",)), jobs=2, folder=tmp_path)
    found = {result.case.id: result.verdict for result in audit.results}
    assert len(found) > 80
    assert {name: v.message for name, v in found.items() if v.status not in (Status.PASS, Status.XFAIL)} == {}


def test_the_suite_is_of_this_pytorch_and_every_operator_of_it_exists(opinfo):
    if f"database of PyTorch {torch.__version__.partition('+')[0]};" not in SUITE.read_text(encoding="utf-8"):
        pytest.skip("the suite was written for another PyTorch: python scripts/make_opinfo_suite.py")
    named = {dict(case.target.kwargs)["op"] for case in make_plan(load_suite([SUITE], environment={}))}
    assert len(named) > 500
    assert named <= opinfo.operators().keys()


def test_a_sample_is_the_same_each_time_and_moves_no_generator(opinfo):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, second = (dict(opinfo.sample("addmm", 0).named_parameters()) for _ in range(2))
    assert first.keys() == {"input", "arg_0", "arg_1"}
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_sample_gives_what_its_operator_gives_of_its_tensors(opinfo):
    module = opinfo.sample("linalg.det", 0)
    (value,) = module()
    assert torch.equal(value, torch.linalg.det(module.input))
