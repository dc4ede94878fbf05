"""What the report of the protocol says beside its tables."""

TITLE = "Localisation of ESC-10 events in noise-padded clips: classifiers, paddings, seeds"

TEXT = """\
Test clips of ESC-10 are padded with 1 to 5 s of noise at both ends (white noise, pink noise, or
training clips of another class), and each method is asked where in the padded clip the classifier
heard its class; the true event is where the clip lies. All classifiers and seeds see the same
padded clips, and only those that the classifier gets right *as padded* are explained. Every
perturbation method perturbs equally often, occlusion once a window. Beside that the others ask of
the input and of the background, and `dax_v5` also of what its mask keeps and leaves."""

ABOUT_SEEDS = (
    "Values of one recording are averaged over the seeds first (each seed trains a classifier of "
    "its own), so n counts recordings. The columns `p` test {leader} against the row's method on "
    "the recordings and seeds that both have; `summary.csv` holds the differences and their "
    "intervals."
)

ABOUT_TARGETS = (
    "The best rival is the one of RISE, LIME, KernelSHAP and occlusion with the highest mean of "
    "the metric in that model and padding. The correlation is between masks of one classifier "
    "whose explainer had two seeds. `open`: not measured yet. Evidence that is planted in time and "
    "frequency (`recipes/planted`) and the time against DAX V2 (`benchmarks/fit_time.py`) are "
    "measured apart from this."
)
