"""How the menu is read: caches on the Sparks, recipe files beside us."""
