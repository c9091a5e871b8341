import re
import time

import pytest

from skyvern_crds.ids import EPOCH_SECONDS, STEP_PREFIX, TASK_PREFIX, id_for, name_of, new_id, task_id_of, time_of


@pytest.mark.parametrize("prefix", [TASK_PREFIX, STEP_PREFIX])
def test_id_is_its_prefix_and_a_decimal_of_64_bits(prefix: str) -> None:
    made = new_id(prefix)
    assert re.fullmatch(rf"{prefix}_\d+", made)
    assert int(made.split("_")[1]) < 2**63
    assert len(made) <= 24


def test_upper_half_is_the_time() -> None:
    before = int(time.time())
    seconds = (int(new_id("tsk").split("_")[1]) >> 32) + EPOCH_SECONDS
    assert before <= seconds <= time.time()


def test_time_is_read_back_from_an_id() -> None:
    moment = 1_800_000_000_123_456_000
    time_read = time_of(new_id(TASK_PREFIX, now_ns=moment))
    assert time_read is not None
    assert time_read.timestamp() == pytest.approx(moment / 10**9, abs=1e-6)
    assert time_read.microsecond == 123_456
    assert [time_of(each) for each in ("by-hand", "tsk_", "tsk_x", "tsk_" + "9" * 20, f"tsk_{(1 << 32) - 1}")] == [
        None
    ] * 5


def test_ids_ascend_with_the_microsecond() -> None:
    moment = 1_800_000_000_123_456_000
    numbers = [int(new_id("tsk", now_ns=moment + step * 1000).split("_")[1]) for step in range(1000)]
    assert numbers == sorted(set(numbers))


def test_ids_of_one_process_differ() -> None:
    assert len({new_id("stp") for _ in range(200)}) == 200


def test_task_id_is_the_name_of_an_object_and_back() -> None:
    made = new_id(TASK_PREFIX)
    assert task_id_of(name_of(made)) == made


def test_id_for_parts_follows_from_them_and_from_their_borders() -> None:
    assert id_for("tsk", "o_1", "key") == "tsk_8356618086960990888"
    assert len({id_for("tsk", "a", "bc"), id_for("tsk", "ab", "c"), id_for("tsk", "a", "b", "c")}) == 3
    assert all(int(id_for("tsk", str(number)).split("_")[1]) < 2**63 for number in range(200))


def test_id_for_parts_never_looks_like_one_that_names_its_time() -> None:
    """So the age of an id tells that nobody will make it again."""
    assert [time_of(id_for(TASK_PREFIX, str(number))) for number in range(1000)] == [None] * 1000
