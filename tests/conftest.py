"""What holds for every test: no setting of whoever runs it, and property tests that CI can repeat."""

import os

from hypothesis import settings

for name in [name for name in os.environ if name.startswith(("TRACKBRIDGE_", "CMS_", "STRIPE_"))]:
    del os.environ[name]

# By hand each run tries new examples; in CI the same ones, so that a red run is about the change it tests.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
