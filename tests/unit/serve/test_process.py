"""What `floodgate serve` says at its start."""

from engine.enrichment_settings import EnricherSettings, EnrichmentSettings
from engine.serve.process import slow_enrichers
from engine.serve_settings import ServeSettings, SurfaceSettings
from engine.settings import Settings


def test_it_knows_which_enrichers_may_take_longer_than_a_surface_waits() -> None:
    surfaces = {
        "door": SurfaceSettings(("signup",), timeout_ms=200),
        "till": SurfaceSettings(("order",), timeout_ms=900),
    }
    enrichers = {
        "fast": EnricherSettings(limit_ms=199), "slow": EnricherSettings(limit_ms=200),
        "of_orders": EnricherSettings(limit_ms=900, events=("order", "refund")),
        "of_posts": EnricherSettings(limit_ms=5_000, events=("post",)),
    }  # fmt: skip
    settings = Settings(serve=ServeSettings(surfaces), enrichment=EnrichmentSettings(enrichers))
    assert slow_enrichers(settings) == [("door", "slow"), ("till", "of_orders")]
    assert slow_enrichers(Settings(serve=ServeSettings(surfaces))) == []
