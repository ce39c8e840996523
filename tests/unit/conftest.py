"""What hypothesis may complain of here: what a test finds, and not how busy the machine is.

Its deadline for an example and its "input generation is slow" go by the clock on the wall. The first text that is drawn in a process
builds a table of all characters, which takes nine seconds where others work at the same time, and would be whichever test's fault.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("millrace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("millrace")
