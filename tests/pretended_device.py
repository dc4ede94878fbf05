"""An accelerator that is pretended on a processor, and refuses what a real one would.

Tensors stay where they are, with their true values; only a note says which storages are "on the
device". An operation on tensors of both sides raises as on a real device, so does turning a tensor
"on the device" into NumPy. Not pretended are other kernels, their rounding and their order,
and `is_cuda`, by which torch chooses cuDNN for recurrent layers.
"""

import contextlib
from unittest import mock

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

DEVICE = torch.device("cuda", 0)

_ALIKE_ON_BOTH = ("aten::copy_", "aten::_to_copy", "aten::set_", "aten::is_same_size")
"""Operations that may see tensors of both sides."""

_INDEXING = ("aten::index", "aten::index_put_", "aten::index_put", "aten::_unsafe_index")
"""Indices on the processor are let into tensors on the device; see `_refuse_mixtures`."""

_WAITING = ("aten::_local_scalar_dense", "aten::nonzero", "aten::equal", "aten::masked_select")
"""Operations whose answer Python needs before it goes on."""

WAITS = []
"""What made the processor wait for the device, in order; for a test to clear and to look at."""


class _Noted:
    """Which storages are on the device; forgotten when they are freed."""

    def __init__(self):
        self.storages = {}

    def __contains__(self, tensor):
        found = self.storages.get(tensor.untyped_storage()._cdata)
        return found is not None and not found.expired()

    def add(self, tensor):
        storage = tensor.untyped_storage()
        self.storages[storage._cdata] = StorageWeakRef(storage)

    def copied(self, tensor, on_device):
        copy = tensor.clone()
        if on_device:
            self.add(copy)
        else:
            self.storages.pop(copy.untyped_storage()._cdata, None)
        return copy


class _Move(torch.autograd.Function):
    """A copy on the other side; its gradient goes the way back."""

    @staticmethod
    def forward(context, tensor, noted, on_device):
        context.noted, context.on_device = noted, on_device
        return noted.copied(tensor, on_device)

    @staticmethod
    def backward(context, gradient):
        return context.noted.copied(gradient, not context.on_device), None, None


class _Checks(TorchDispatchMode):
    """Refuses operations on tensors of both sides, also in backward passes."""

    def __init__(self, noted):
        super().__init__()
        self.noted = noted

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [item for item in tree_iter((args, kwargs)) if isinstance(item, torch.Tensor)]
        inside = [tensor for tensor in tensors if tensor in self.noted]
        name = func._schema.name
        if inside and name not in _ALIKE_ON_BOTH:
            self._refuse_mixtures(name, args, tensors)
            if name in _WAITING or (name in _INDEXING and _by_truth(args[1])):
                WAITS.append(name)
        found = func(*args, **kwargs)
        if inside and name != "aten::copy_":
            for item in tree_iter(found):
                if isinstance(item, torch.Tensor):
                    self.noted.add(item)
        return found

    def _refuse_mixtures(self, name, args, tensors):
        if name in _INDEXING and args[0] in self.noted:
            indices = [item for item in tree_iter(args[1]) if isinstance(item, torch.Tensor)]
            tensors = [tensor for tensor in tensors if all(tensor is not one for one in indices)]
        # a number on the processor goes with anything
        outside = [tensor for tensor in tensors if tensor.ndim and tensor not in self.noted]
        if outside:
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but found at least two devices, "
                f"{DEVICE} and cpu! ({name})"
            )


def _by_truth(indices):
    return any(isinstance(one, torch.Tensor) and one.dtype == torch.bool for one in indices)


class _Moves(TorchFunctionMode):
    """Answers where a tensor is, and carries out moves from one side to the other."""

    def __init__(self, noted):
        super().__init__()
        self.noted = noted

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if func == torch.Tensor.device.__get__:
            return DEVICE if args[0] in self.noted else func(*args)
        if func in (torch.Tensor.numpy, torch.Tensor.__array__) and args[0] in self.noted:
            raise TypeError(f"can't convert {DEVICE} device type tensor to numpy")
        if func is torch.Tensor.cuda:
            return self._placed(args[0], True)
        if func is torch.Tensor.cpu:
            return self._placed(args[0], False)
        if func is torch.Tensor.new_tensor:
            return self._placed(func(*args, **kwargs), args[0] in self.noted)
        if func is torch.Tensor.to:
            return self._to(*args, **kwargs)
        if name != "__set__" and kwargs.get("device") is not None:
            return self._made(func, args, kwargs)
        return func(*args, **kwargs)

    def _to(self, tensor, *args, **kwargs):
        place, device = tensor in self.noted, kwargs.pop("device", None)
        for item in args:
            if isinstance(item, torch.Tensor):
                place, kwargs["dtype"] = item in self.noted, item.dtype
            elif isinstance(item, torch.dtype):
                kwargs["dtype"] = item
            elif isinstance(item, str | torch.device):
                device = item
        if device is not None:
            place = torch.device(device).type == DEVICE.type
        kwargs = {name: value for name, value in kwargs.items() if value is not None}
        return self._placed(tensor.to(**kwargs) if kwargs else tensor, place)

    def _placed(self, tensor, on_device):
        if (tensor in self.noted) == on_device:
            return tensor
        if not on_device:
            WAITS.append("to the processor")
        return _Move.apply(tensor, self.noted, on_device)

    def _made(self, func, args, kwargs):
        on_device = torch.device(kwargs["device"]).type == DEVICE.type
        if on_device and kwargs.get("generator") is not None:
            raise RuntimeError(f"Expected a '{DEVICE.type}' device type for generator")
        made = func(*args, **{**kwargs, "device": "cpu"})
        return self._placed(made, on_device)


@contextlib.contextmanager
def pretended_device():
    """Inside, "cuda" is a device that holds tensors; give it to `.to`, factories and modules.

    Its compute capability is 7.5, which has no bf16.

    Yields:
        The device.
    """
    noted = _Noted()
    capability = mock.patch.object(torch.cuda, "get_device_capability", return_value=(7, 5))
    with _Checks(noted), _Moves(noted), capability:
        yield DEVICE
