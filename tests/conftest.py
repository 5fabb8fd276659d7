"""What holds for all tests: invented input may take its time, since other tests keep the machine busy."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("beside others", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beside others")
