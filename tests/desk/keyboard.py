"""Hands that have a keyboard only: they find things as somebody does who cannot use a mouse, and see where they are."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

_MOST_TABS = 250
_WHERE = """() => { const e = document.activeElement;
  if (e === document.body) return null;
  if (!e.matches(':focus')) return null;  // on a date's own button, which the browser marks itself
  // A circle or box may be drawn by its label, or by what stands beside it in there.
  const label = e.closest('label');
  const signs = (label ? [e, label, ...label.children] : [e]).map(one => getComputedStyle(one));
  const box = (label || e).getBoundingClientRect();
  return {what: e.outerHTML.slice(0, 120), inView: box.bottom > 0 && box.top < innerHeight,
    marked: signs.some(one => one.outlineStyle !== 'none' && one.outlineWidth !== '0px')}; }"""


class Hands:
    """One person at one page. No method moves or presses a pointer."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def skip_the_menu(self) -> None:
        """On a page that was just opened: the first thing Tab comes to leads past the menu."""
        self.press("Tab")
        expect(self.page.get_by_role("link", name="Skip to the page")).to_be_focused()
        self.press("Enter")
        expect(self.page.locator("#main")).to_be_focused()

    def reach(self, wanted: Locator) -> None:
        """Tab until it is there; on the way everything that has the focus must show it."""
        expect(wanted).to_be_visible()
        for _ in range(_MOST_TABS):
            if wanted.evaluate("e => e === document.activeElement"):
                return
            self.press("Tab")
            at = self.page.evaluate(_WHERE)
            assert at is None or at["marked"], f"no sign of the focus at {at['what']}"
            assert at is None or at["inView"], f"the focus is out of sight at {at['what']}"
        raise AssertionError(f"Tab does not come to {wanted}")

    def follow(self, name: str, within: Locator | None = None) -> None:
        """A link, to a whole new page."""
        links = (within or self.page).get_by_role("link", name=name, exact=True)
        self.reach(links.locator("visible=true").first)
        self._go()

    def push(self, name: str, within: Locator | None = None) -> None:
        """A button that sends a form."""
        self.reach((within or self.page).get_by_role("button", name=name, exact=True).locator("visible=true").first)
        self._go()

    def unfold(self, name: str, within: Locator | None = None) -> None:
        """Something that opens on the page."""
        fold = (within or self.page).locator("summary", has_text=name).first
        self.reach(fold)
        self.press("Enter")
        expect(fold.locator("xpath=..")).to_have_attribute("open", "")

    def type(self, field: Locator, words: str) -> None:
        """Over whatever is there."""
        self.reach(field)
        self.press("ControlOrMeta+a")
        self.page.keyboard.type(words)
        expect(field).to_have_value(words)

    def append(self, field: Locator, words: str) -> None:
        """To the end of a long text."""
        self.reach(field)
        self.press("ControlOrMeta+End")
        self.page.keyboard.type(words)

    def choose(self, field: Locator, words: str) -> None:
        """From a list, by its first letters."""
        self.reach(field)
        self.page.keyboard.type(words)
        chosen = field.evaluate("e => e.selectedOptions[0].textContent.trim()")
        assert chosen.startswith(words), f"{words} leads to {chosen}"

    def tick(self, box: Locator) -> None:
        self.reach(box)
        if not box.is_checked():
            self.press("Space")
        expect(box).to_be_checked()

    def _go(self) -> None:
        with self.page.expect_navigation():
            self.press("Enter")
