"""Rows of measures of every method's map in one and the same form: a control."""

from __future__ import annotations

from daxaudio.metrics.measure import Better, Measure, Need

FORMS = {
    "v4_form": "DAX V4's mask (a step in time, ranks within a frame)",
    "v5_form": "DAX V5's mask (a step in time, all bins of a frame, shaded by their rank)",
}
"""Forms by the end of their measures' names: whose they are."""


def _in_form(form: str, name: str, text: str, better: Better, needs: tuple[Need, ...]) -> Measure:
    return Measure(
        f"{name}_in_{form}",
        f"{text}, all maps in {form.removesuffix('_form').upper()}'s form",
        f"`{name}` of what the method found, brought into the form of {FORMS[form]}, over the "
        "frames that the black box is asked about. What two methods differ by here is not the form "
        "of their masks.",
        group="same_form",
        better=better,
        source=f"after `{name}`",
        needs=needs,
    )


OF_FORMS = tuple(
    row
    for form in FORMS
    for row in (
        _in_form(form, "iou", "IoU", "higher", ("events", "queries")),
        _in_form(form, "best_threshold_iou", "best IoU", "higher", ("events", "queries")),
        _in_form(form, "frame_auc", "frame AUC", "higher", ("events", "queries")),
        _in_form(form, "average_drop", "average drop", "lower", ("queries",)),
    )
)
