"""Cards: what a published data set or model says of itself, from manifests alone."""

from openbezoar.cards.subject import Told
from openbezoar.cards.writing import card, recipe_in

__all__ = ["Told", "card", "recipe_in"]
