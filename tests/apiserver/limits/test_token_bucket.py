"""A rate that short bursts may exceed."""

import pytest

from skyvern_apiserver.limits.token_bucket import BURST_SECONDS, TokenBucket


def test_burst_is_what_ten_seconds_have_left_unused() -> None:
    bucket = TokenBucket()
    assert [bucket.take(5, 100.0) for _ in range(5 * BURST_SECONDS)] == [0.0] * 50
    assert bucket.take(5, 100.0) == pytest.approx(0.2)


def test_tokens_come_back_at_the_rate_and_no_more_than_a_burst() -> None:
    bucket = TokenBucket()
    assert all(bucket.take(5, 100.0) == 0.0 for _ in range(50))
    assert [bool(bucket.take(5, 100.4)) for _ in range(3)] == [False, False, True]
    assert sum(bucket.take(5, 10_000.0) == 0.0 for _ in range(200)) == 50


def test_refused_call_costs_nothing() -> None:
    bucket = TokenBucket()
    assert all(bucket.take(1, 100.0) == 0.0 for _ in range(10))
    for _ in range(1000):
        assert bucket.take(1, 100.0)
    assert bucket.take(1, 101.0) == 0.0


def test_rate_that_changes_holds_from_the_next_call() -> None:
    bucket = TokenBucket()
    assert all(bucket.take(1, 100.0) == 0.0 for _ in range(10))
    assert bucket.take(1, 100.0)
    assert bucket.take(2, 100.0) == 0.0


def test_zero_is_no_limit() -> None:
    bucket = TokenBucket()
    assert {bucket.take(0, 100.0) for _ in range(100_000)} == {0.0}
