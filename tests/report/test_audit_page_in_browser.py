"""What a browser makes of the page of an audit: folds, tables, sound, print; and a clinician of it.

The ten questions are those of docs/audit.md, where each has the place of its answer.
"""

import re
import shutil
from pathlib import Path

import pytest

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright drives the browser: pip install 'daxaudio[dev]'"
)
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium here: apt install chromium")

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "audit.md"

PLAYED = "document.querySelectorAll('audio')[{}].currentTime > 0"

NUMBER = r"-?\d+\.\d+"
INTERVAL = rf"{NUMBER} \[{NUMBER}, {NUMBER}\]"
TEN = (
    ("How many patients of each class are in it?", "participants", r"audited, p\s+12\s+12"),
    ("How good is it, and how sure is that?", "performance", rf"auc\s+{INTERVAL}"),
    ("Is it equally good for women and men?", "performance", rf"sex\s+f\s[\s\S]*{INTERVAL}"),
    ("What does it listen to?", "listening", rf"all events[\s\S]+{INTERVAL}"),
    ("Does it hear the room or the cough?", "swaps", rf"background alone\s+{INTERVAL}"),
    ("Is there a confounder?", "confounders", "likeliest confounder is a steady tone"),
    (
        "What happens when the background is swapped?",
        "swaps",
        rf"moves by {INTERVAL} towards that class",
    ),
    ("When does it err?", "errors", r"1 false positives? among 12 recordings[\s\S]+r05"),
    ("How far can the explanations be trusted?", "trust", rf"agreement of rise {INTERVAL}"),
    ("What was not tested?", "limits", r"Not looked for: [\s\S]*not tested"),
)
"""Question, section in which it is answered, and what stands there."""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
        browser = driver.chromium.launch(executable_path=BROWSER, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, audited):
    """The page from the disk, with all that it asked for and complained of."""
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.goto(audited.page.as_uri())
    yield page
    outside = [url for url in page.asked if not url.startswith(("data:", "blob:", "file:"))]
    assert not outside
    assert page.asked.count(page.url.split("#")[0]) == len(
        [url for url in page.asked if url.startswith("file:")]
    )
    assert not page.complaints
    page.close()


@pytest.mark.parametrize(("question", "section", "pattern"), TEN, ids=[one[0] for one in TEN])
def test_a_clinician_finds_the_answer_from_the_list_on_top(page, question, section, pattern):
    if page.locator(f"#section-{section}").get_attribute("open") is None:
        page.click(f".glance a[href='#section-{section}']")
    page.wait_for_selector(f"#section-{section}[open] > .body")
    text = page.locator(f"#section-{section}").inner_text()
    assert re.search(pattern, text), text[:1500]


def test_the_documentation_says_where_the_ten_answers_are():
    rows = re.findall(r"^\| \d+ \| ([^|]+) \| `([^`|]+)` \|", DOCS.read_text(), re.MULTILINE)
    assert rows == [(question, section) for question, section, _ in TEN]


def test_concerns_are_open_and_the_rest_folded_until_all_are_opened(page, audited):
    def opened():
        return page.evaluate(
            "[...document.querySelectorAll('details.section[open]')].map((one) => one.id)"
        )

    concerns = [f"section-{s.name}" for s in audited.found.sections if s.state == "concern"]
    assert opened() == concerns
    page.click("#open-all")
    assert len(opened()) == len(audited.found.sections)
    page.click("#close-all")
    assert opened() == []
    assert not page.locator("#section-swaps .body").is_visible()
    page.click("#section-swaps > summary h3")
    assert page.locator("#section-swaps .body").is_visible()


def column(page, table, k):
    return page.eval_on_selector_all(
        f"{table} tbody tr", f"(rows) => rows.map((row) => row.cells[{k}].textContent)"
    )


def test_tables_sort_by_the_value_of_the_column_that_is_clicked(page):
    page.click("#open-all")
    first = "#section-swaps details.table:first-of-type table"
    before = column(page, first, 1)
    page.click(f"{first} th:nth-child(2) button")
    falling = column(page, first, 1)
    values = [float(text.split()[0]) for text in falling]
    assert values == sorted(values, reverse=True)
    assert sorted(before) == sorted(falling)
    page.click(f"{first} th:nth-child(2) button")
    assert column(page, first, 1) == falling[::-1]
    page.click(f"{first} th:nth-child(1) button")
    names = column(page, first, 0)
    assert names == sorted(names, reverse=True)


def test_a_recording_plays_and_its_mask_lies_over_it(page):
    page.click("#open-all")
    card = page.locator("article.card").first
    assert card.locator("svg.mask image").count() == 2
    sound = card.locator("audio").first
    sound.evaluate("(one) => one.play()")
    page.wait_for_function(f"() => {PLAYED.format(0)}")
    assert abs(sound.evaluate("(one) => one.duration") - 3.2) < 0.01
    page.locator("audio").nth(1).evaluate("(one) => one.play()")
    page.wait_for_function(f"() => {PLAYED.format(1)}")
    playing = "[...document.querySelectorAll('audio')].filter((one) => !one.paused).length"
    assert page.evaluate(playing) == 1


def test_a_print_shows_everything_but_players_and_leaves_the_page_as_it_was(page):
    closed = "document.querySelectorAll('details:not([open])').length"
    before = page.evaluate(closed)
    assert before > 5
    page.emulate_media(media="print")
    page.wait_for_function(f"() => {closed} === 0")
    for name in ("participants", "limits"):
        assert page.locator(f"#section-{name} .method p").is_visible()
    assert page.locator("#glossary dl").is_visible()
    assert not page.locator(".players").first.is_visible()
    assert not page.locator("#open-all").is_visible()
    wide = "[...document.querySelectorAll('table')].filter((t) => t.scrollWidth > 1100).length"
    assert page.evaluate(wide) == 0
    page.emulate_media(media="screen")
    page.wait_for_function(f"() => {closed} === {before}")


def test_a_print_has_several_pages_with_all_tables(page, tmp_path):
    page.pdf(path=tmp_path / "a.pdf", prefer_css_page_size=True)
    content = (tmp_path / "a.pdf").read_bytes()
    n_pages = max(int(n) for n in re.findall(rb"/Count (\d+)", content))
    assert 5 < n_pages < 60


def test_a_narrow_window_needs_no_sideways_scrolling(page):
    page.set_viewport_size({"width": 390, "height": 800})
    page.click("#open-all")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
