"""The system's Chromium, driven by Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from playwright.sync_api import Browser, Page, sync_playwright

NARROW = (390, 844)
WIDE = (1280, 900)

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Chromium:
    """One running browser; every page of it has cookies, viewport and locale of its own."""

    def __init__(self) -> None:
        executable = next(filter(None, map(shutil.which, EXECUTABLES)), None)
        if executable is None:
            raise FileNotFoundError(
                f"no browser: install the package chromium (none of {', '.join(EXECUTABLES)})"
            )
        self._playwright = sync_playwright().start()
        try:
            self._browser: Browser = self._playwright.chromium.launch(
                executable_path=executable, args=list(FLAGS)
            )
        except BaseException:
            self._playwright.stop()
            raise

    @contextmanager
    def page(
        self,
        viewport: tuple[int, int] = WIDE,
        locale: str = "en-GB",
        base_url: str | None = None,
        *,
        scripts: bool = True,
    ) -> Iterator[Page]:
        """A fresh page of this width and height (CSS pixels), in a context of its own that ends with it.

        Paths given to `page.goto` are taken relative to `base_url`. Waiting ends after 10 s. Without
        `scripts` the page runs none; otherwise a script error fails the test when the page closes.
        """
        width, height = viewport
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            base_url=base_url,
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        errors: list[str] = []
        context.on("weberror", lambda failure: errors.append(str(failure.error)))
        try:
            yield context.new_page()
        finally:
            context.close()
        assert not errors, f"script errors on the page: {errors}"

    def close(self) -> None:
        """End the browser and its driver."""
        self._browser.close()
        self._playwright.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
