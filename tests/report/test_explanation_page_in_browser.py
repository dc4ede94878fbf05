"""What a browser makes of the page of an explanation: sound, picture, slider, keys; no more.

A page is opened from the disk, without a server, as a user does.
"""

import math
import shutil

import numpy as np
import pytest
import torch
from pages_of_tests import explained, sounds_with

from daxaudio import Event, Explanation, Spectrogram
from daxaudio.report.explanation_page import write_explanation_page

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright drives the browser: pip install 'daxaudio[dev]'"
)
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium here: apt install chromium")

EVIL = "</script><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
        browser = driver.chromium.launch(executable_path=BROWSER, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def sounds():
    return sounds_with()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page of an explanation; gives it with all that it asked for and complained of."""
    pages = []

    def open_it(explanation=None, **given):
        path = write_explanation_page(explanation or explained(), tmp_path / "a.html", **given)
        page = browser.new_page(viewport={"width": 1000, "height": 900})
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=yes]", state="attached")
        pages.append(page)
        return page

    yield open_it
    for page in pages:
        page.close()


def now(page):
    return page.evaluate("daxaudio.surfer.getCurrentTime()")


def shown_stretches(page):
    """Starts and ends of the bars in the lane of what is marked, in shares of the time."""
    return page.evaluate(
        """() => [...daxaudio.surfer.getWrapper().querySelectorAll('[part=marked]')].map(
            (bar) => [parseFloat(bar.style.left), parseFloat(bar.style.width)])"""
    )


def test_all_three_sounds_are_decoded_as_python_has_them_and_play(opened, sounds):
    page = opened(sounds=sounds)
    for name in ("original", "kept", "removed"):
        page.check(f"input[value={name}]")
        found = page.evaluate("(name) => daxaudio.state.samples[name].map((c) => [...c])", name)
        wanted = getattr(sounds, name).waveform.numpy()
        step = 0 if name == "original" else 1 / 32768  # what was recorded has 16 bits
        assert np.abs(np.array(found) - wanted).max() <= step
        begun = now(page)
        page.click("#play")
        page.wait_for_function(
            "(begun) => daxaudio.surfer.getCurrentTime() > begun + 0.1", arg=begun
        )
        player = "(name) => daxaudio.surfer.getMediaElement() === daxaudio.state.players[name]"
        assert page.evaluate(player, name)
        assert page.evaluate("daxaudio.surfer.getMediaElement().error") is None
        page.click("#play")
        assert not page.evaluate("daxaudio.surfer.isPlaying()")
    assert not page.complaints


def drawn_heights(page):
    """How many pixels of each column of the drawn sound are not empty."""
    return page.evaluate(
        """() => [...daxaudio.surfer.getWrapper().querySelectorAll('canvas')]
            .filter((one) => one.width > 1 && one.closest('[part~=canvases], .canvases'))
            .flatMap((one) => {
              const { data } = one.getContext('2d').getImageData(0, 0, one.width, one.height);
              const heights = new Array(one.width).fill(0);
              data.forEach((alpha, i) => {
                if (i % 4 === 3 && alpha > 0) heights[((i - 3) / 4) % one.width] += 1;
              });
              return heights;
            })"""
    )


def test_the_sound_that_is_chosen_is_drawn(opened, sounds):
    page = opened(sounds=sounds)
    heights = {}
    for name in ("original", "removed"):
        page.check(f"input[value={name}]")
        page.wait_for_timeout(300)
        heights[name] = drawn_heights(page)
    assert max(heights["original"]) > 10  # of a flat line one or two
    assert heights["original"] != heights["removed"]


def test_what_a_player_is_given_is_as_long_and_as_wide_as_the_recording(opened, sounds):
    page = opened(sounds=sounds)
    lengths = page.evaluate("Object.values(daxaudio.state.players).map((one) => one.duration)")
    assert lengths == [pytest.approx(sounds.original.duration, abs=1e-3)] * 3
    assert page.evaluate("daxaudio.state.samples.kept.length") == len(sounds.kept.waveform)


def test_the_slider_marks_what_python_marks(opened):
    explanation = explained()
    page = opened(explanation)
    duration = page.evaluate("daxaudio.surfer.getDuration()")
    seen = set()
    for step in (None, 0, 40, 120, 377, 500, 861, 1000):
        if step is None:
            threshold = page.evaluate("daxaudio.state.threshold")
            wanted = explanation.events()
        else:
            page.locator("#threshold").fill(str(step))
            threshold = page.evaluate("daxaudio.state.threshold")
            wanted = explanation.events(threshold)
        found = page.evaluate("(threshold) => daxaudio.markedAbove(threshold)", threshold)
        assert [(one["start"], one["end"]) for one in found] == [(e.start, e.end) for e in wanted]
        shown = [(e.start / duration * 100, e.duration / duration * 100) for e in wanted]
        assert np.allclose(np.array(shown_stretches(page)), np.array(shown), atol=1e-3)
        seen.add(len(wanted))
    assert seen == {0, 2, 3}
    page.click("#reset")
    assert page.locator("#marked button").count() == len(explanation.events())


def test_a_frame_on_the_threshold_is_not_marked_and_deleted_silence_ends_a_stretch(opened):
    times = torch.tensor([0.5, 1.5, 2.5, 5.5, 6.5])
    shown = Spectrogram(torch.rand(2, 5), torch.tensor([100.0, 200.0]), times)
    row = torch.tensor([0.1, 0.7, 0.8, 0.9, 0.3])
    explanation = Explanation(row.repeat(2, 1), shown, "made")
    page = opened(explanation)
    on_a_frame = float(explanation.profile[1].double())
    for threshold in (on_a_frame, math.nextafter(on_a_frame, 0)):
        found = page.evaluate("(threshold) => daxaudio.markedAbove(threshold)", threshold)
        wanted = explanation.events(threshold)
        assert [(one["start"], one["end"]) for one in found] == [(e.start, e.end) for e in wanted]
    assert len(wanted) == 2


def test_a_script_in_a_name_does_not_run(opened):
    explanation = explained(recording_id=EVIL, target=EVIL, warnings=(EVIL,))
    verdict = {"summary": EVIL, "findings": [{"good": False, "sentence": EVIL}]}
    page = opened(explanation, events=[Event(0, 2, EVIL)], verdict=verdict, facts={EVIL: EVIL})
    assert page.evaluate("window.ran") is None
    assert EVIL in page.inner_text("h1")
    assert page.title() == EVIL
    labels = "daxaudio.surfer.getWrapper().querySelector('[part=event]').textContent"
    assert page.evaluate(labels) == EVIL
    assert not page.complaints


def test_no_request_leaves_the_page_and_none_can(opened, sounds):
    page = opened(sounds=sounds)
    page.click("#play")
    page.wait_for_timeout(100)
    assert [url for url in page.asked if not url.startswith(("blob:", "data:"))] == [page.url]
    blocked = page.evaluate(
        """() => fetch('https://example.org/').then(() => 'sent', () => 'refused')"""
    )
    assert blocked == "refused"
    page.evaluate(
        """() => { const one = document.createElement('script');
                   one.textContent = 'window.ran = 1'; document.body.append(one); }"""
    )
    assert page.evaluate("window.ran") is None


def test_keys_move_play_choose_zoom_select_and_repeat(opened, sounds):
    page = opened(sounds=sounds)
    page.focus("#view")
    page.keyboard.press("ArrowRight")
    assert now(page) == pytest.approx(0.5)
    page.keyboard.press("Shift+ArrowRight")
    assert now(page) == pytest.approx(0.55)
    page.keyboard.press("2")
    assert page.is_checked("input[value=kept]")
    assert now(page) == pytest.approx(0.55)
    page.keyboard.press("[")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("]")
    region = page.evaluate("(({start, end}) => [start, end])(daxaudio.regions.getRegions()[0])")
    assert region == [pytest.approx(0.55), pytest.approx(1.05)]
    page.keyboard.press("l")
    assert page.get_attribute("#loop", "aria-pressed") == "true"
    narrow = page.evaluate("daxaudio.surfer.getWrapper().clientWidth")
    page.keyboard.press("+")
    assert page.evaluate("daxaudio.surfer.getWrapper().clientWidth") == pytest.approx(
        2 * narrow, 0.01
    )
    page.keyboard.press(" ")
    page.wait_for_function("daxaudio.surfer.isPlaying()")
    turned = "new Promise((done) => daxaudio.surfer.on('seeking', (at) => at < 0.6 && done(at)))"
    assert page.evaluate(turned) == pytest.approx(0.55, abs=0.04)
    page.keyboard.press(" ")
    page.keyboard.press("Escape")
    assert page.evaluate("daxaudio.regions.getRegions().length") == 0
    page.keyboard.press("Home")
    assert now(page) == 0


def test_an_arrow_on_a_slider_moves_the_slider_alone(opened):
    page = opened()
    page.focus("#threshold")
    before = page.input_value("#threshold")
    page.keyboard.press("ArrowRight")
    assert int(page.input_value("#threshold")) == int(before) + 1
    assert now(page) == 0


def test_a_click_moves_the_position_and_a_drag_selects(opened, sounds):
    page = opened(sounds=sounds)
    box = page.locator("#view").bounding_box()
    middle = box["y"] + 150
    page.mouse.click(box["x"] + box["width"] / 2, middle)
    assert now(page) == pytest.approx(2.0, abs=0.02)
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=5)
    page.mouse.up()
    region = page.evaluate("(({start, end}) => [start, end])(daxaudio.regions.getRegions()[0])")
    assert region == [pytest.approx(1.0, abs=0.1), pytest.approx(3.0, abs=0.1)]


def test_pictures_lie_where_their_frames_are(opened):
    page = opened(explained(duration=4.0))
    widths = page.evaluate(
        """() => { const wrapper = daxaudio.surfer.getWrapper();
                   const frame = wrapper.querySelector('[part=frame]').getBoundingClientRect();
                   const all = wrapper.getBoundingClientRect();
                   return [frame.left - all.left, frame.width, all.width]; }"""
    )
    assert widths[0] == pytest.approx(0, abs=1)
    assert widths[1] == pytest.approx(widths[2], abs=1.5)
    page.locator("#opacity").fill("0.2")
    style = "daxaudio.surfer.getWrapper().querySelectorAll('[part=image]')[1].style.opacity"
    assert page.evaluate(style) == "0.2"


def test_a_page_without_sound_can_be_looked_at(opened):
    page = opened(events=[Event(1, 2, "dog")])
    assert page.locator("#play").count() == 0
    assert "no sound" in page.inner_text("#silent")
    page.focus("#view")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#time") == "0.50 s"
    assert not page.complaints
