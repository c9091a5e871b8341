"""One retry schedule and safe addresses."""

import pytest

from skyvern_crds.status import WebhookState, WebhookStatus
from skyvern_operator.config import Webhook
from skyvern_operator.errors import WebhookAddressError
from skyvern_operator.execution.webhook.rules import Answer, after_try, check_address
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
