"""Who meets on the pages: somebody with money, a shop that can be chosen by its name, a neighbour who
cannot.
"""

import secrets
from typing import Any

from playwright.sync_api import Page

from tests.support.api import Town


class Market:
    """A currency of its own, with 100.00 of it in the purse of `payer`."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.currency = town.currency
        self.base_url = town.operator.base_url
        self.payer, self.sign_in = town.person()
        self.purse = town.account(self.payer.person["id"], issued=10_000)
        self.shop_name = f"Shop {secrets.token_hex(4)}"
        self.shopkeeper, _ = town.person(name=self.shop_name, kind="organisation", listed=True)
        self.shop = town.account(self.shopkeeper.person["id"])
        self.neighbour_name = f"Neighbour {secrets.token_hex(4)}"
        neighbour = town.operator.expect(201, "POST", "/people", json={"name": self.neighbour_name})
        self.neighbour = town.account(neighbour["id"])

    @property
    def session(self) -> str:
        """The secret with which the payer is signed in."""
        return str(self.payer.http.headers["Authorization"]).removeprefix("Bearer ")

    def pay(self, payee: str, amount: int, memo: str = "") -> None:
        """The payer pays, by the API."""
        self.payer.pay(self.purse, payee, amount, self.currency, memo=memo)

    def balance(self) -> int:
        """What is in the purse, in cents."""
        return self.payer.balance(self.purse)

    def paid(self) -> list[dict[str, Any]]:
        """The payments that the ledger knows of, the latest first."""
        transfers = self.payer.get(f"/accounts/{self.purse}/transfers")["data"]
        return [each for each in transfers if each["change"]["amount"] < 0]


def ask_to_pay(page: Page, amount: str, *, shop: str = "", account: str = "", memo: str = "") -> None:
    """Fill the wallet's form and go on to the page where the payment is checked."""
    if shop:
        page.locator("#payee").select_option(label=shop)
    page.locator("#payee_account").fill(account)
    page.locator("#amount").fill(amount)
    page.locator("#memo").fill(memo)
    page.locator("form[action='/wallet/pay'] button").click()
