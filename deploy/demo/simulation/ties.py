"""Who deals with whom: customers of shops by preferential attachment, friends, suppliers, employees."""

from array import array
from random import Random

from deploy.demo.simulation import trades
from deploy.demo.simulation.town import Town

FRIENDS = 3
NOBODY = -1
LOYALTY = 0.85
# Stubs of a trade's first shop; the next ones have a half, a third ... of it: Zipf's law until customers
# come. From then on each new regular is one more stub, and so the busy get busier.
FIRST_STUBS = 12
SHOP_EMPLOYEES = 1.5
SUPPLIER_EMPLOYEES = 6


class Ties:
    """The relations of a town. They grow as it lives, at most by one entry per household and trade."""

    def __init__(self, town: Town, rng: Random) -> None:
        self._town = town
        self._rng = rng
        self._stubs: list[list[int]] = [[] for _ in trades.TRADES]
        self._opened = [0] * len(trades.TRADES)
        self._shops_known = 0
        self._regular = array("i", [NOBODY]) * (len(town.households) * len(trades.TRADES))
        self._friends = array("i", [NOBODY]) * (len(town.households) * FRIENDS)
        self.employments = _employments(town, rng)

    def begin(self, day: int) -> None:
        """Let in the shops and households that join on a day."""
        town = self._town
        for shop in town.shops_open(day)[self._shops_known :]:
            trade = town.trade[shop - town.shops.start]
            self._opened[trade] += 1
            self._stubs[trade].extend([shop] * max(1, FIRST_STUBS // self._opened[trade]))
            self._shops_known += 1
        for household in town.newcomers(day):
            self._befriend(household)

    def shop_for(self, household: int, trade: int) -> int:
        """Where a household buys in a trade: mostly at its regular shop, else at one that others like."""
        stubs = self._stubs[trade] or self._stubs[trades.FOOD]
        rng = self._rng
        place = (household - self._town.households.start) * len(trades.TRADES) + trade
        regular = self._regular[place]
        if regular == NOBODY:
            regular = stubs[int(rng.random() * len(stubs))]
            self._regular[place] = regular
            stubs.append(regular)
            return regular
        return regular if rng.random() < LOYALTY else stubs[int(rng.random() * len(stubs))]

    def popular_shop(self, trade: int) -> int:
        """A shop of a trade by its popularity; a food shop where the trade has none."""
        stubs = self._stubs[trade] or self._stubs[trades.FOOD]
        return stubs[int(self._rng.random() * len(stubs))]

    def friend_of(self, household: int) -> int | None:
        """A friend to whom a household gives or pays back; None while it knows nobody."""
        base = (household - self._town.households.start) * FRIENDS
        friend = self._friends[base + int(self._rng.random() * FRIENDS)]
        return None if friend == NOBODY else friend

    def supplier_of(self, shop: int) -> int:
        """The supplier that a shop orders from this time: its own, or the cooperative now and then."""
        suppliers = self._town.suppliers
        if self._rng.random() < 0.25:
            return suppliers.start
        # Squaring leans to the first: a few wholesalers serve most shops.
        spread = (shop * 0.618033988749895) % 1.0
        return suppliers[int(len(suppliers) * spread * spread)]

    def _befriend(self, household: int) -> None:
        """Both know each other, so that what is given can come back."""
        first = self._town.households.start
        earlier = household - first
        if not earlier:
            return
        other = int(self._rng.random() * earlier)
        self._friends[earlier * FRIENDS] = other + first
        slot = other * FRIENDS + 1 + int(self._rng.random() * (FRIENDS - 1))
        self._friends[slot] = household


def _employments(town: Town, rng: Random) -> list[tuple[int, int]]:
    """(employer, household) pairs: suppliers are larger employers than shops."""
    pairs = []
    for employers, mean in ((town.suppliers, SUPPLIER_EMPLOYEES), (town.shops, SHOP_EMPLOYEES)):
        for employer in employers:
            for _ in range(int(2 * mean * rng.random() + 0.5)):
                pairs.append((employer, town.households[int(rng.random() * len(town.households))]))
    return pairs
