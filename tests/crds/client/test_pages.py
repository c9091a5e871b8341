"""The pages of a list stay small, whatever its objects are."""

from skyvern_crds.client.pages import FIRST_LIMIT, MAX_PAGE_BYTES, PAGE_BYTES, PageSizes

MIB = 1024 * 1024


def test_pages_of_small_objects_grow_to_the_limit() -> None:
    sizes = PageSizes(500)
    assert sizes.limit == FIRST_LIMIT
    sizes.took(50, 50 * 2000)
    sizes.took(400, 400 * 2000)
    assert sizes.limit == 500


def test_page_that_is_too_large_is_asked_for_again_with_fewer_objects_down_to_a_single_one() -> None:
    sizes = PageSizes(500)
    limits = []
    while sizes.max_bytes is not None:
        assert sizes.max_bytes == MAX_PAGE_BYTES
        limits.append(sizes.limit)
        sizes.too_large()
    assert limits == [50, 6]
    assert sizes.limit == 1


def test_next_page_has_as_many_objects_as_fit() -> None:
    sizes = PageSizes(500)
    sizes.took(50, 50 * MIB // 10)
    assert sizes.limit == PAGE_BYTES * 10 // MIB
    sizes.took(20, 20 * 2 * MIB)
    assert sizes.limit == 1
    sizes.took(1, 4 * MIB)
    assert sizes.limit == 1


def test_empty_page_and_small_limit_are_no_trouble() -> None:
    sizes = PageSizes(3)
    assert sizes.limit == 3
    sizes.took(0, 200)
    assert sizes.limit == 3
