"""Keeps the cards of the fleet new: often while somebody looks, seldom while nobody does."""

from spark_control.fleet.shapes import render
from spark_control.fleet.usecases import Fleet

LOOKED_AT_S = 5.0
ALONE_S = 30.0
TOPIC = "hardware"


async def watch(fleet: Fleet) -> None:
    """Ask the Sparks and publish their cards until cancelled."""
    while True:
        cards = await fleet.hardware()
        now = fleet.clock.now()
        if fleet.bus.heard:
            for card in cards:
                shape = render(card, now)
                fleet.bus.publish(TOPIC, card.spark.name, shape.model_dump(mode="json"))
        waited = 0.0
        while waited < (LOOKED_AT_S if fleet.bus.heard else ALONE_S):
            await fleet.clock.sleep(1.0)
            waited += 1.0
