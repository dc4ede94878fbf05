"""How a notebook shows an explanation: its picture, and in words how far to trust it."""

from __future__ import annotations

import base64
import html
import io

from daxaudio.containers import Explanation
from daxaudio.plot.drawing import new_figure
from daxaudio.plot.explanations import plot_explanation


def explanation_html(explanation: Explanation) -> str:
    """An explanation as a piece of HTML that needs no file beside it.

    Args:
        explanation: what to show.

    Returns:
        The mask over the spectrogram as a PNG picture, and below it what was explained, the
        verdict where it is known, each warning, and players where the recording is known.

    Example:
        >>> import torch
        >>> from daxaudio.containers import Spectrogram
        >>> picture = Spectrogram(torch.rand(8, 20), torch.arange(1, 9) * 500.0, torch.arange(20.0))
        >>> shown = explanation_html(Explanation(torch.rand(8, 20), picture, "rise", "<dog>"))
        >>> "data:image/png;base64," in shown, "&lt;dog&gt;" in shown
        (True, True)
    """
    figure, content = new_figure(8, 3.2), io.BytesIO()
    plot_explanation(explanation, axes=figure.subplots())
    figure.savefig(content, format="png", dpi=100)
    picture = base64.b64encode(content.getvalue()).decode()
    lines = [_describe(explanation)]
    lines += [f"Verdict: {explanation.verdict}"] * bool(explanation.verdict)
    lines += [f"Warning: {warning}" for warning in explanation.warnings]
    text = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    if explanation.recording is not None:
        text += explanation.listen()._repr_html_()
    return f'<img alt="mask over the spectrogram" src="data:image/png;base64,{picture}">{text}'


def _describe(explanation: Explanation) -> str:
    """What was explained, by which method and at which cost, in a line."""
    target = f"{explanation.target!r}" if explanation.target else "the score"
    return (
        f"{explanation.method}: what speaks for {target} (score {explanation.score:.2f}), "
        f"found with {explanation.n_queries} queries"
    )
