"""For every test: Hypothesis asserts no timing, since a busy machine is no fault of the code."""

from hypothesis import HealthCheck, settings

settings.register_profile("fileshare", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fileshare")
