"""A short walk through the model; `make faults` takes long ones."""

from hypothesis import HealthCheck, settings

from tests.faults.model import Clients

TestClients = Clients.TestCase
TestClients.settings = settings(
    max_examples=10,
    stateful_step_count=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
