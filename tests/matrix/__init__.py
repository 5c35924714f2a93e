import pytest

pytest.register_assert_rewrite(
    *(f"tests.matrix.{name}" for name in ("scene", "sending", "hearing", "telling", "trouble"))
)
