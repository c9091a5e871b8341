"""One retry schedule and safe addresses."""

import pytest

from skyvern_crds.status import WebhookState, WebhookStatus
from skyvern_operator.config import Webhook
from skyvern_operator.errors import WebhookAddressError
from skyvern_operator.execution.webhook.rules import (
    Answer,
    after_try,
    check_address,
    is_last_try,
    judge,
    read_retry_after,
)
from tests.operator.examples import at

SETTINGS = Webhook(schedule=[5, 30])
FRESH = WebhookStatus(state=WebhookState.PENDING)


def test_taken_webhook_is_delivered() -> None:
    state = after_try(FRESH, Answer(status=204), SETTINGS, at(0))
    assert (state.state, state.attempts, state.last_status_code, state.next_attempt_at) == (
        WebhookState.DELIVERED,
        1,
        204,
        None,
    )


def test_schedule_is_followed_and_then_given_up() -> None:
    states = [FRESH]
    for _ in range(3):
        states.append(after_try(states[-1], Answer(status=500, error="the receiver answered 500"), SETTINGS, at(0)))
    assert [state.next_attempt_at for state in states[1:]] == [at(5), at(30), None]
    assert [state.state.value for state in states[1:]] == ["Pending", "Pending", "Failed"]


@pytest.mark.parametrize("url", ["ftp://example.com/", "file:///etc/passwd", "https://"])
def test_address_that_is_not_a_web_address_is_refused(url: str) -> None:
    with pytest.raises(WebhookAddressError, match="http or https"):
        check_address(url, SETTINGS)


def test_hosts_may_be_restricted() -> None:
    settings = Webhook(allowed_hosts=["hooks.example.com", "*.example.org"])
    check_address("https://hooks.example.com/x", settings)
    check_address("https://a.b.example.org/x", settings)
    with pytest.raises(WebhookAddressError, match=r"evilexample\.org"):
        check_address("https://evilexample.org/x", settings)


@pytest.mark.parametrize("status", [429, 503])
def test_receiver_that_asks_for_a_pause_gets_it(status: int) -> None:
    answer = judge(status, "120", at(0))
    assert answer.error == f"the receiver answered {status}"
    assert after_try(FRESH, answer, SETTINGS, at(0)).next_attempt_at == at(120)


def test_pause_that_a_receiver_asks_for_never_shortens_the_schedule() -> None:
    assert after_try(FRESH, judge(503, "1", at(0)), SETTINGS, at(0)).next_attempt_at == at(5)


def test_pause_that_a_receiver_asks_for_is_capped() -> None:
    assert after_try(FRESH, judge(503, "999999999", at(0)), SETTINGS, at(0)).next_attempt_at == at(3600)


def test_other_answers_cannot_ask_for_a_pause() -> None:
    assert judge(500, "120", at(0)).not_before is None
    assert judge(200, "120", at(0)) == Answer(status=200)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("Thu, 01 Jan 2026 12:02:00 GMT", 120),
        ("Thu, 01 Jan 2026 12:02:00 -0000", 120),
        ("Thu, 01 Jan 2026 13:02:00 +0100", 120),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: int) -> None:
    assert read_retry_after(text, at(0)) == at(seconds)


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1.5", "9" * 400, "Thu, 01 Jan 99999 12:02:00 GMT", "Thu, 01 Jan 2026 12:02:00 +9999"]
)
def test_retry_after_that_is_neither_is_ignored(text: str) -> None:
    assert read_retry_after(text, at(0)) is None


def test_success_answers_whoever_asked_before_its_end() -> None:
    asked = FRESH.model_copy(update={"retry_requested": "1"})
    assert after_try(asked, Answer(status=200), SETTINGS, at(0), asked="2").retry_requested == "2"
    assert after_try(asked, Answer(status=200), SETTINGS, at(0)).retry_requested == "1"
    failed = after_try(asked, Answer(status=500, error="no"), SETTINGS, at(0), asked="2")
    assert failed.retry_requested == "1"


def test_last_try_is_the_one_after_the_last_pause() -> None:
    assert [is_last_try(FRESH.model_copy(update={"attempts": n}), SETTINGS) for n in range(4)] == [
        False, False, True, True,
    ]  # fmt: skip
