"""The log that tells a dead watch from a quiet one."""

from skyvern_operator.watch.delivery_log import DeliveryLog


def test_delivery_log_names_what_the_watch_has_not_delivered() -> None:
    log = DeliveryLog()
    log.saw("a", 5)
    log.saw("a", 4)
    log.saw("b", 1)
    assert log.missing({"a": 5, "b": 2, "c": 1}) == {"b", "c"}


def test_delivery_log_forgets_what_is_gone_and_not_what_came_after_the_list() -> None:
    log = DeliveryLog()
    log.saw("gone", 5)
    log.saw("new", 12)
    log.forget_absent({"other": 3}, as_of=10)
    assert log.missing({"gone": 5, "new": 12}) == {"gone"}
