"""The domains hold together: declarations, LMPs and robots."""

from __future__ import annotations

import inspect

import pytest

from cap_planner.api.spec import Kind
from cap_planner.domains import DOMAINS, Domain

every_domain = pytest.mark.parametrize('domain', DOMAINS.values(), ids=list(DOMAINS))


@every_domain
def test_every_call_has_somebody_who_answers_it(domain: Domain) -> None:
    for name, function in domain.api.items():
        if function.kind is Kind.LMP:
            assert name in domain.lmps
            continue
        method = inspect.signature(getattr(domain.robot, name))
        assert list(method.parameters)[1:] == list(function.signature.parameters), name
    assert len(domain.lmps) == sum(f.kind is Kind.LMP for f in domain.api.values())


@every_domain
def test_what_is_asked_for_a_value_does_not_act(domain: Domain) -> None:
    for lmp in domain.lmps.values():
        assert lmp.returns == 'ret_val'
        assert Kind.ACTION not in lmp.calls
    assert domain.ui.calls == frozenset(Kind)
    assert not domain.decompose.calls


@every_domain
def test_lmps_are_told_the_facts_of_their_domain(domain: Domain) -> None:
    assert {lmp.domain for lmp in domain.prompts.values()} == {domain.name}
    assert set(domain.prompts) == {domain.ui.name, 'fgen', 'decompose', *domain.lmps}
    assert [lmp.name for lmp in domain.prompts.values() if lmp.maintain_session] == [domain.ui.name]


@every_domain
def test_an_lmp_takes_a_request_a_context_and_variables(domain: Domain) -> None:
    """The broker unpacks them in this order."""
    for name in domain.lmps:
        first, context, variables = domain.api[name].signature.parameters.values()
        assert first.default is inspect.Parameter.empty
        assert (context.name, context.default) == ('context', '')
        assert variables.kind is inspect.Parameter.VAR_KEYWORD
