from skyvern_runner.agent.notebook import MAX_NOTES, Notebook


def test_notes_are_kept_in_order_and_once() -> None:
    book = Notebook()
    assert book.add("Order 12") == "noted"
    assert book.add("Order 12") == "noted already"
    book.add("Room 7")
    assert book.notes == ("Order 12", "Room 7")


def test_full_notebook_gives_up_its_oldest_note_and_says_so() -> None:
    book = Notebook()
    for number in range(MAX_NOTES):
        book.add(f"note {number}")
    assert "in place of the oldest of 20 notes, 'note 0'" in book.add("newest")
    assert len(book.notes) == MAX_NOTES
    assert book.notes[-1] == "newest"
