"""Steps of a descent that keep an accelerator busy: nothing waits for it within an epoch.

On CUDA the launches of a step are recorded once (a CUDA graph) and then replayed, as small networks
take less time than Python needs to launch them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

_N_WARM_UP = 3
"""Steps that run as they are before one is recorded, so that libraries have set themselves up."""

Work = Callable[[], None]
Record = Callable[[Work], Work]
"""Takes work, and gives what does it again on the tensors that it used; it need not be done yet."""


class Descent:
    """Steps of Adam, or of plain gradient descent, on one loss, and the sum of the losses.

    Steps on batches of one size do the same to other numbers, so that they can be recorded; others
    (the last of an epoch) run as they are. Recording changes nothing but rounding.

    Args:
        loss_of: the mean loss of the chosen examples, int64 `[n]` on the device. It may not wait
            for the device.
        parameters: what is learnt.
        learning_rate: of the descent.
        batch_size: of the steps that are recorded.
        device: where all of it is.
        momentum: None for Adam; else plain gradient descent with so much of Nesterov's momentum.
        record: how; None runs every step as it is. `recorder` gives what suits a device.

    Example:
        >>> weight = nn.Parameter(torch.zeros(1))
        >>> how = {"learning_rate": 0.1, "batch_size": 2}
        >>> descent = Descent(lambda chosen: (weight - 1).square().sum(), [weight], **how)
        >>> descent.step(torch.tensor([0, 1]))
        >>> descent.mean_loss(), round(float(weight.detach()), 3)
        (1.0, 0.1)
    """

    def __init__(
        self,
        loss_of: Callable[[Tensor], Tensor],
        parameters: Iterable[nn.Parameter],
        *,
        learning_rate: float,
        batch_size: int,
        device: torch.device | str = "cpu",
        momentum: float | None = None,
        record: Record | None = None,
    ) -> None:
        self.loss_of, self.batch_size, self.record = loss_of, batch_size, record
        fast = record is _record_on_cuda
        self.optimiser: torch.optim.Optimizer
        if momentum is None:
            self.optimiser = torch.optim.Adam(
                parameters, lr=learning_rate, fused=fast or None, capturable=fast
            )
        else:
            self.optimiser = torch.optim.SGD(
                parameters, lr=learning_rate, momentum=momentum, nesterov=True, fused=fast or None
            )
        self.chosen = torch.zeros(batch_size, dtype=torch.int64, device=device)
        self.total = torch.zeros((), dtype=torch.float64, device=device)
        self.n_seen = self.n_steps = 0
        self._replay: Work | None = None

    def step(self, chosen: Tensor) -> None:
        """Learn from the chosen examples."""
        self.n_seen += len(chosen)
        if self.record is None or len(chosen) != self.batch_size:
            self._step(chosen)
            return
        self.n_steps += 1
        self.chosen.copy_(chosen)
        if self.n_steps <= _N_WARM_UP:
            with _side_stream(self.chosen.device):
                self._step(self.chosen)
            return
        if self._replay is None:
            self.optimiser.zero_grad(set_to_none=True)
            self._replay = self.record(lambda: self._step(self.chosen))
        self._replay()

    def mean_loss(self) -> float:
        """Of all examples since it was asked last; waits for the device."""
        mean = float(self.total) / max(1, self.n_seen)
        self.total.zero_()
        self.n_seen = 0
        return mean

    def _step(self, chosen: Tensor) -> None:
        loss = self.loss_of(chosen)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.total += loss.detach().double() * len(chosen)


def recorder(device: torch.device) -> Record | None:
    """How steps are recorded on a device; None where they are not."""
    if device.type == "cuda" and torch.cuda.is_available():
        return _record_on_cuda
    return None


def tuned_convolutions(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Inside, cuDNN tries which of its algorithms is the fastest for each shape, once a process."""
    if device.type != "cuda":
        return contextlib.nullcontext()
    cudnn = torch.backends.cudnn
    return cudnn.flags(
        enabled=cudnn.enabled,
        benchmark=True,
        deterministic=cudnn.deterministic,
        allow_tf32=cudnn.allow_tf32,
    )


def _record_on_cuda(work: Work) -> Work:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


@contextlib.contextmanager
def _side_stream(device: torch.device) -> Iterator[None]:
    """What is recorded later must not have run on the default stream; elsewhere nothing."""
    if device.type != "cuda" or not torch.cuda.is_available():
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)
