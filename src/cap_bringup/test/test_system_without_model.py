"""A planner that has no language model says so to every caller, and stays."""

import pytest

from cap_bringup.testing import running_system
from cap_interfaces.action import ExecuteInstruction

pytestmark = pytest.mark.system


@pytest.mark.parametrize(
    ('variables', 'word'),
    [
        ({'OPENAI_API_KEY': '', 'OPENAI_BASE_URL': ''}, 'OPENAI_API_KEY'),
        ({'OPENAI_API_KEY': 'x', 'OPENAI_BASE_URL': 'http://127.0.0.1:9/v1'}, '127.0.0.1:9'),
    ],
    ids=['no key', 'no endpoint'],
)
def test_without_a_model(tmp_path, variables, word):
    with running_system(tmp_path, environment=variables, model='openai:nobody') as running:
        result = running.client.execute('stack all the blocks', timeout_s=60.0)
        assert result.error_code == ExecuteInstruction.Result.MODEL_UNAVAILABLE
        assert word in result.error_msg
        assert running.evidence.export(result.evidence_id)['label'] == 'model_unavailable'
