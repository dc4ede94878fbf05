"""What a browser makes of the page over a folder of explanations: search, order, links."""

import dataclasses
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from pages_of_tests import explained

from daxaudio.commands.pages import add_page
from daxaudio.explainers.storage import save_explanation
from daxaudio.report.explanations import write_index

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright drives the browser: pip install 'daxaudio[dev]'"
)
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium here: apt install chromium")

EVIL = "</option></select><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"
KNOWN = {  # label, predicted, score, warnings
    "1-30226-A-0": ("dog", "dog", 0.9, ()),
    "1-5-A-0": ("dog", "rain", 0.35, ("too few queries",)),
    "a rooster #10": (EVIL, "rain", 0.051, ("flat", EVIL)),
    "a rooster #9": ("", "dog", 0.5, ()),
}


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A page over four recordings by two methods; one explanation has no page of its own."""
    out = tmp_path_factory.mktemp("out")
    predictions = []
    for name, (label, predicted, score, warnings) in KNOWN.items():
        own = explained(n_frames=20, n_bins=4, recording_id=name, target=predicted)
        for method in ("rise", "lime"):
            noted = warnings if method == "rise" else ()
            one = dataclasses.replace(own, method=method, score=score, warnings=noted)
            save_explanation(one, out / method / name)
            if (method, name) != ("lime", "1-5-A-0"):
                add_page(out / method / name)
        row = {"recording_id": name, "label": label, "predicted": predicted, "score": score}
        predictions.append({**row, "correct": int(label == predicted), "problem": ""})
    return write_index(
        out,
        "Dogs",
        predictions=pd.DataFrame(predictions),
        recording_ids=list(KNOWN),
        methods=["rise", "lime"],
    )


@pytest.fixture
def page(browser, written):
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(written.as_uri())
    yield page
    assert not page.complaints
    page.close()


def rows(page):
    """Names in the table, in order; the views below must be those of the same recordings."""
    table = "table:has(a) tbody th"
    names = page.eval_on_selector_all(
        table, "all => all.filter(e => e.checkVisibility()).map(e => e.innerText)"
    )
    views = page.eval_on_selector_all(
        # what is out of sight is not laid out, and has no innerText yet
        "article:not([hidden]) h3",
        "all => all.map(e => e.textContent)",
    )
    assert set(views) == set(names)
    assert page.inner_text("output") == f"{len(names)} of {len(KNOWN)}"
    return names


def test_words_that_are_typed_must_all_stand_in_a_row_in_any_column(page):
    assert rows(page) == list(KNOWN)
    page.keyboard.press("Tab")
    for text, wanted in [("ROOSTER", 2), ("rooster dog", 1), ("0.35", 1), ("cat", 0), (" ", 4)]:
        page.get_by_label("search").fill(text)
        assert len(rows(page)) == wanted, text


def test_a_class_is_chosen_with_the_keyboard_alone_and_all_are_shown_again(page):
    chosen = page.get_by_label("predicted", exact=True)
    chosen.focus()
    page.keyboard.type("dog")
    assert rows(page) == ["1-30226-A-0", "a rooster #9"]
    page.get_by_label("label", exact=True).select_option("-")
    assert rows(page) == ["a rooster #9"]
    page.get_by_role("button", name="show all").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('output').textContent.startsWith('4')")
    assert rows(page) == list(KNOWN)


def test_those_with_warnings_are_shown_alone(page):
    page.get_by_label("only with warnings").focus()
    page.keyboard.press(" ")
    assert rows(page) == ["1-5-A-0", "a rooster #10"]
    page.get_by_label("search").fill("rooster")
    assert rows(page) == ["a rooster #10"]


def test_numbers_are_sorted_by_value_and_names_as_people_count(page):
    page.get_by_role("button", name="score", exact=True).click()
    assert rows(page) == ["1-30226-A-0", "a rooster #9", "1-5-A-0", "a rooster #10"]
    page.click("thead button:text-is('recording') >> nth=0")
    assert rows(page) == ["a rooster #10", "a rooster #9", "1-30226-A-0", "1-5-A-0"]
    page.click("thead button:text-is('recording') >> nth=0")
    assert rows(page) == ["1-5-A-0", "1-30226-A-0", "a rooster #9", "a rooster #10"]
    page.get_by_label("search").fill("rooster")
    assert rows(page) == ["a rooster #9", "a rooster #10"]


def test_links_lead_to_the_pages_that_are_there(page, written):
    found = page.eval_on_selector_all("a[href$='.html']", "all => all.map(e => e.href)")
    places = [Path(unquote(urlsplit(url).path)) for url in found]
    assert set(places) == set(written.parent.rglob("explanation.html"))
    assert len(places) == 2 * 7  # of each one in the table and one in the view
    page.click("article a >> nth=0")
    page.wait_for_selector("html[data-ready=yes]", state="attached")
    assert page.inner_text("h1").startswith("1-30226-A-0")


def test_a_name_in_the_table_leads_to_its_view(page):
    page.click("th a:text('a rooster #9')")
    view = page.locator("article:has(h3:text('a rooster #9'))")
    assert page.evaluate("decodeURIComponent(location.hash)") == "#recording-a rooster #9"
    assert view.evaluate("view => view.matches(':target')")


def test_a_label_with_html_is_text_and_can_be_chosen(page):
    page.get_by_label("label", exact=True).select_option(label=EVIL)
    assert rows(page) == ["a rooster #10"]
    assert page.evaluate("window.ran") is None
