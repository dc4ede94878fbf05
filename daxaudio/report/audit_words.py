"""What a page of an audit explains, and asks those who sign it."""

from __future__ import annotations

GLOSSARY: tuple[tuple[str, str], ...] = (
    (
        "AUC",
        "area under the ROC curve: how often a recording of the positive class has a higher score "
        "than one of another class; 1 is always, 0.5 is chance",
    ),
    (
        "interval",
        "[low, high]: where a number would lie if other participants of the same kind had been "
        "recorded, with the confidence that the method states. Participants are drawn again, with "
        "all of their recordings (cluster bootstrap)",
    ),
    (
        "p, Holm",
        "how often chance alone gives so much. Many tests find something by chance, so p-values "
        "are corrected together by Holm's method (columns that have holm in their name)",
    ),
    ("sensitivity", "share of the recordings of the positive class that are called positive"),
    ("specificity", "share of the other recordings that are not called positive"),
    (
        "calibration",
        "whether of the recordings with a score of 0.8, say, 80 % are positive; slope and "
        "intercept are those of the log odds (best 1 and 0), Brier score and ECE are errors "
        "(best 0)",
    ),
    (
        "confounder",
        "something that goes with the class in these recordings and is no sign of it: the site, "
        "a hum, the level. A classifier that listens to it fails elsewhere",
    ),
    (
        "trace",
        "what the making of a recording left in it: level, length, band, lines, background noise",
    ),
    (
        "background",
        "what is heard between the events; where no events are known, the quietest tenth",
    ),
    (
        "swap, donor",
        "a recording gets the background (or hum, level, band, colour) of another one, the donor, "
        "and the classifier is asked again",
    ),
    (
        "effect",
        "of a swap: how far the score moves towards the class of the donor, from 0 (it does not "
        "follow) to 1 (it follows wholly)",
    ),
    (
        "matching",
        "positives are compared with negatives who are alike in what is known of them, such as "
        "age and site",
    ),
    (
        "mask",
        "which parts of a recording, in time and frequency, mattered to the score; from the "
        "classifier's answers to changed copies. It shows no cause",
    ),
    (
        "density, chance",
        "how much of the mask lies somewhere, against a mask that is the same everywhere "
        "(chance, 1)",
    ),
    ("reliability", "how alike the mask would be if it were made again from other queries"),
    ("agreement", "how alike the masks of two methods are; correlation of ranks"),
    ("control", "something that was planted by the audit, to see whether the audit finds it"),
    ("query", "a recording, changed or not, that the classifier is asked about"),
    ("digest", "a short number made of all of something: another digest is another model or data"),
)
"""Words that stand on the page, in the order in which a reader meets them."""

CHECKLIST: tuple[str, ...] = (
    "Intended use, and what the classifier is not to be used for:",
    "The model and its digest are those that are to be used.",
    "Participants, sites and devices are those that it is to be used on; what was left out is no "
    "reason for doubt.",
    "Performance and its intervals suffice, in every subgroup that matters.",
    "Each concern was followed up. What was done, and by whom:",
    "I listened to the errors and to the recordings that are shown.",
    "What was not tested is tolerable, or it is written down who tests it and until when:",
    "No decision on a single patient will be trusted or doubted because of a mask.",
)

SIGNERS: tuple[str, ...] = ("clinician", "statistician", "responsible for the model")
