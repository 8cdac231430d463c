"""Keeps the cards of the fleet new: often while somebody looks, seldom while nobody does."""

from spark_control.fleet.shapes import render
from spark_control.fleet.usecases import Card, Fleet

LOOKED_AT_S = 5.0
ALONE_S = 30.0
TOPIC = "hardware"


async def watch(fleet: Fleet) -> None:
    """Ask the Sparks until cancelled; each card is published when it comes, not with the last."""

    def publish(card: Card) -> None:
        if fleet.bus.heard(TOPIC):
            shape = render(card, fleet.clock.now())
            fleet.bus.publish(TOPIC, card.spark.name, shape.model_dump(mode="json"))

    while True:
        await fleet.hardware(told=publish)
        waited = 0.0
        while waited < (LOOKED_AT_S if fleet.bus.heard(TOPIC) else ALONE_S):
            await fleet.clock.sleep(1.0)
            waited += 1.0
