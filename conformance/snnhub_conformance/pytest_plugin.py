"""For pytest: assertions of the contracts show their values. Every pytest loads this, so it imports nothing."""

import pytest

pytest.register_assert_rewrite("snnhub_conformance.contracts")
