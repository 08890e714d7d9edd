"""The inspector's way, in a real browser over real workers."""

import csv
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect, sync_playwright

from pipeline.answer.attribution import LabelAttribution
from polelens.web.control import PLAN_SECONDS
from storage.archive import Photograph
from tests import models
from tests.commands import CommandsIn
from tests.flower import BROWSERS
from tests.live_audits import Bench, pictures, png
from tests.pages import SECRET, Pages, served

PROGRAM = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="there is no Chromium on the PATH; Debian's: apt-get install chromium"
)

expect.set_options(timeout=30_000)  # milliseconds
WEIGHTS = np.zeros((32, 32))
WEIGHTS[:, :16] = 0.8 / 512 / 255 / 3  # the model looks at the left half
LEFT, RIGHT = np.zeros((32, 32), np.uint8), np.zeros((32, 32), np.uint8)
LEFT[:, :16] = RIGHT[:, 16:] = 255


@pytest.fixture
def pages(bench: Bench) -> Iterator[Pages]:
    """The pages over the bench."""
    here = bench.environment
    with served(here["DATABASE_URL"], Path(here["POLELENS_BLOBS"]), broker_url=here["CELERY_BROKER_URL"]) as found:
        yield found


@pytest.fixture
def page(pages: Pages) -> Iterator[Page]:
    """A page of a browser that knows the login, and that fails the test where a script of a page does."""
    unsafe = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses root
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=unsafe)
        login = {"username": "anna", "password": SECRET}
        context = browser.new_context(base_url=pages.url, http_credentials=login)  # type: ignore[arg-type]
        made = context.new_page()
        made.on("pageerror", lambda error: wrong.append(str(error)))
        made.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        yield made
        browser.close()
    assert not wrong  # nor does the Content-Security-Policy forbid anything that a page needs


def _picture(page: Page, selector: str) -> np.ndarray:
    """What is shown of an element."""
    for image in page.locator("#layers img").all():
        expect(image).to_have_js_property("complete", True)
        expect(image).not_to_have_js_property("naturalWidth", 0)
    return np.asarray(Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB")).astype(int)


def test_an_inspector_finds_what_is_wrong_and_says_so(
    bench: Bench, pages: Pages, page: Page, commands: CommandsIn, tmp_path: Path
) -> None:
    """Open the audit, filter to the background, open a photograph, move the sliders, mark it, find it in the export."""
    bench.workers(2)
    version = bench.model(models.additive(WEIGHTS, bias=0.2), "yes", "no")
    for number, pixels in enumerate(pictures(4)):
        mask = png(np.stack([LEFT if number == 3 else RIGHT] * 3, axis=-1))
        bench.archive.add(Photograph(f"pole {number}.png", png(pixels), "yes", mask))
    squares = {"segmenter": {"name": "grid", "n_segments": 16}, "fill": "black", "labels": ["yes"]}
    audit = bench.audit(version, "all", samples=128, seeds=[1, 2, 3], **squares)
    page.goto(f"/audits/{audit}")  # it follows by itself: nobody loads the page again
    bench.wait(audit)
    expect(page.get_by_text("4 of 4 photographs explained")).to_be_visible()
    page.goto("/")
    page.get_by_role("link", name=str(audit), exact=True).click()
    expect(page.locator(".headline")).to_contain_text("background")

    page.get_by_role("link", name="All photographs").click()
    expect(page.locator(".grid li")).to_have_count(4)
    page.get_by_label("Rests on").select_option("background")
    there = [label.judgement.basis.word for label in _labels(bench, audit) if label.judgement and label.judgement.basis]
    assert 1 < there.count("background") < 4
    expect(page.locator(".grid li")).to_have_count(there.count("background"))
    expect(page.get_by_text(f"{there.count('background')} photographs")).to_be_visible()
    assert page.url.endswith("?basis=background")  # a view is an address
    page.locator(".grid a").first.click()
    page.set_viewport_size({"width": 400, "height": 900})  # a telephone has no keys to list
    expect(page.locator(".keys")).to_be_hidden()
    page.set_viewport_size({"width": 1300, "height": 900})
    expect(page.locator(".keys")).to_be_visible()

    first = page.locator("h1").inner_text()
    address = page.locator("#evidence").get_attribute("src") or ""
    _moves_the_tools(page)
    _marks_it(page, first)
    page.goto(f"/audits/{audit}/photographs?mark=wrong")
    expect(page.locator(".grid .name")).to_have_text([first])
    page.goto(f"/audits/{audit}")
    expect(page.locator(".agree")).to_contain_text("0 of 1")
    told = commands(bench.environment).json("audit", "export", audit, "--format", "csv", "--out", tmp_path)
    marks = next(Path(path) for path in told["files"] if path.endswith("marks.csv"))
    [row] = csv.DictReader(io.StringIO(marks.read_text(encoding="utf-8-sig")))
    assert (row["name"], row["who"], row["word"], row["tags"]) == (first, "anna", "wrong", "fog")

    _a_picture_is_sent_once(pages, address)


def _labels(bench: Bench, audit: int) -> list[LabelAttribution]:
    """The foremost answer of each photograph."""
    return [row.attribution.labels[0] for row in bench.results(audit) if row.attribution]


def _moves_the_tools(page: Page) -> None:
    full = _picture(page, "#layers")
    page.locator("#opacity").fill("0")
    assert np.abs(_picture(page, "#layers") - full).mean() > 5  # the photograph alone
    page.locator("#opacity").fill("100")
    with page.expect_response(lambda one: "show=1" in one.url):
        page.locator("#show").fill("1")
    expect(page.locator("#show-told")).to_contain_text("the strongest of")
    assert np.abs(_picture(page, "#layers") - full).mean() > 1
    with page.expect_response(lambda one: "palette=blue-orange" in one.url):
        page.locator("#palette").select_option("blue-orange")


def _marks_it(page: Page, first: str) -> None:
    page.locator("#zoom").focus()  # a slider has the arrows, and leaves the letters
    page.keyboard.press("j")
    expect(page.locator("h1")).not_to_have_text(first)
    page.wait_for_load_state()
    page.keyboard.press("k")
    expect(page.locator("h1")).to_have_text(first)
    page.wait_for_load_state()
    page.keyboard.press("w")
    expect(page.get_by_text("✗ says wrong")).to_be_visible()
    page.keyboard.press("t")
    page.keyboard.type("fog")
    page.keyboard.press("Enter")
    expect(page.locator("ul.said .tag")).to_have_text("fog")


def _a_picture_is_sent_once(pages: Pages, there: str) -> None:
    """Its address says which pixels it is of, and its tag that they are there already."""
    answer = pages.get(there)
    assert (answer.status, answer.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in answer.headers["cache-control"]
    assert pages.get(there, if_none_match=answer.headers["etag"]).status == 304
    plain = there.partition("?")[0]
    assert pages.get(plain).headers["cache-control"] == "private, no-cache"
    assert pages.get(f"{plain}?show=x").status == 400
    assert pages.get(f"{plain}?label=9").status == 404


@pytest.mark.parametrize("width", [400, 1300])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_can_be_read(bench: Bench, page: Page, width: int, scheme: str) -> None:
    """On a phone and on a screen nothing lies beyond the side, and text has a contrast of 4.5 to 1 (WCAG AA)."""
    bench.audits.engine.dispose()
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate(CONTRAST) >= 4.5
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()


def test_an_operator_uploads_starts_watches_and_compares(bench: Bench, page: Page) -> None:
    """Two models and three photographs uploaded, an audit of each planned and started, both watched and compared."""
    bench.workers(2)
    _uploads_a_model(page, models.additive(WEIGHTS, bias=0.2))
    page.goto("/photographs")
    files = [_file(f"pole {number}.png", png(pixels)) for number, pixels in enumerate(pictures(3))]
    page.locator("input[name=photographs]").set_input_files(files)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#added")).to_contain_text("3 added")
    page.goto("/photographs")
    expect(page.locator(".grid li")).to_have_count(3)
    page.get_by_role("link", name="start an audit of these").click()
    first = _starts(page, "planted@1")
    bench.wait(first)
    expect(page.get_by_text("3 of 3 photographs explained")).to_be_visible()

    _uploads_a_model(page, models.additive(WEIGHTS[:, ::-1].copy(), bias=0.2))
    page.get_by_role("link", name="Start an audit of it").click()
    second = _starts(page, "planted@2")
    bench.wait(second)
    page.goto(f"/audits/{second}/with")
    page.get_by_role("link", name=f"{first} before, {second} after").click()
    page.get_by_role("button", name="Compare them").click()
    expect(page.locator("h1")).to_contain_text("what changed")  # the page waits for it by itself
    expect(page.locator(".pair")).to_have_count(3)
    page.locator("#f-moved").select_option("relabelled")
    expect(page).to_have_url(re.compile(r"\?moved=relabelled"))

    page.goto("/models/planted@2")
    page.get_by_role("link", name="choose one of the archive").click()
    page.locator(".grid a").first.click()
    page.get_by_role("button", name="Explain it now").click()
    expect(page.locator("#evidence")).to_be_visible()  # as soon as it is there
    addresses = ("/", "/models", "/models/planted@1", "/photographs", f"/audits/{first}", f"/audits/{second}/with")
    _fit_and_can_be_read(page, *addresses, f"/audits/{first}/with/{second}", "/start?model=planted@1")


def _file(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def _uploads_a_model(page: Page, onnx: bytes) -> None:
    page.goto("/models")
    page.locator("input[name=model]").set_input_files(_file("net.onnx", onnx))
    page.locator("form[hx-post='/models'] input[name=name]").fill("planted")
    page.get_by_text("What the file does not say").click()
    page.locator("input[name=labels]").set_input_files(_file("labels.txt", b"yes\nno\n"))
    page.locator("input[name=profile]").set_input_files(_file("p.json", b'{"color": "rgb", "scale": 1}'))
    page.get_by_role("button", name="Upload and try it").click()
    expect(page.locator("h1")).to_contain_text("planted@")


def _starts(page: Page, model: str) -> int:
    """Plan an audit, look at the plan, and start it; its number."""
    page.locator("select[name=model]").select_option(model)
    page.get_by_text("More", exact=True).click()
    page.locator("textarea[name=set]").fill("samples=64\nseeds=[1,2,3]\nsegmenter.n_segments=16")
    page.get_by_role("button", name="Plan it").click()
    expect(page.locator("#plan h2")).to_have_text("What it comes to", timeout=1000 * PLAN_SECONDS)
    page.get_by_role("button", name="Start it").click()
    expect(page.locator("h1")).to_contain_text("looks at")
    return int(page.url.rpartition("/")[2])


def _fit_and_can_be_read(page: Page, *addresses: str) -> None:
    for width, scheme in ((400, "dark"), (1300, "light")):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        for address in addresses:
            page.goto(address)
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert (address, wide) == (address, 0)
            assert page.evaluate(CONTRAST) >= 4.5, address


# The least contrast of any text with what lies behind it: relative luminance as WCAG 2 defines it.
CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const part = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = (one) => { for (; one; one = one.parentElement) {
    const found = rgb(getComputedStyle(one).backgroundColor); if (found.length < 4 || found[3] > 0) return found; }
    return [255, 255, 255]; };
  let least = 21;
  for (const one of document.querySelectorAll("body *")) {
    if (![...one.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    if (!one.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
    least = Math.min(least, (a + 0.05) / (b + 0.05));
  }
  return least;
}"""
