"""How units pass from hand to hand: figures worked out from single movements, by a process of their own."""
