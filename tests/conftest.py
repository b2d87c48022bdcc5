"""What all tests share: random cases take as long as the machine needs, since speed is measured and not tested."""

from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
