"""The receiver of webhooks."""

from starlette.testclient import TestClient

from tests.site.app import create_app


def test_deliveries_are_kept_by_name_in_order() -> None:
    with TestClient(create_app()) as site:
        assert site.post("/hooks/a", content=b'{"n":1}', headers={"x-skyvern-signature": "v0=1"}).status_code == 200
        site.post("/hooks/a", content=b"2")
        kept = site.get("/hooks/a").json()
        assert [delivery["body"] for delivery in kept] == ['{"n":1}', "2"]
        assert kept[0]["headers"]["x-skyvern-signature"] == "v0=1"
        assert site.get("/hooks/b").json() == []


def test_first_deliveries_can_be_refused() -> None:
    with TestClient(create_app()) as site:
        answers = [site.post("/hooks/a?refuse=2", content=b"").status_code for _ in range(3)]
        assert answers == [503, 503, 200]
