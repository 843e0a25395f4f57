"""The enricher under the kit's tests: `pytest examples/phones`."""

from floodgate_phones import Phones

from engine.testing import EnricherTests


class TestPhones(EnricherTests):
    """What the kit asks of each enricher."""

    kind = Phones
    events = (
        {"event_id": "1", "type": "post", "user_id": "u", "text": "call +49 30 1234567 or +44 (20) 7946-0000"},
        {"event_id": "2", "type": "post", "user_id": "u", "text": "1 + 1 = 2"},
    )
    finds = ({"count": 2, "countries": ["DE", "GB"]}, None)
