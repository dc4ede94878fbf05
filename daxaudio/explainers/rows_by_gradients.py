"""Rows of the methods that look into the module of a classifier."""

from __future__ import annotations

from dataclasses import replace

from daxaudio.explainers.grad_cam import GradCamPlusPlus, GuidedGradCam
from daxaudio.explainers.gradient import Gradient, InputXGradient
from daxaudio.explainers.method import Method

BY_GRADIENTS = (
    Method(
        "gradient",
        "absolute gradient of the class's logit",
        lambda made: Gradient(),
        gradients="1",
        signed=True,
    ),
    Method(
        "smooth_grad",
        "the same, averaged over noisy copies of the input",
        lambda made: replace(made.settings.smooth_grad, seed=made.own_seed),
        ("smooth_grad",),
        gradients="50",
        draws=True,
        signed=True,
    ),
    Method(
        "integrated_gradients",
        "gradient along the way from the background to the input",
        lambda made: replace(
            made.settings.integrated_gradients,
            fill=made.fill,
            seed=made.own_seed,
        ),
        ("fill", "integrated_gradients"),
        queries="3",
        gradients="50",
        signed=True,
    ),
    Method(
        "expected_gradients",
        "the same, averaged over backgrounds of noise and of the mean level",
        lambda made: replace(made.settings.expected_gradients, seed=made.own_seed),
        ("expected_gradients",),
        gradients="50",
        draws=True,
        signed=True,
    ),
    Method(
        "input_x_gradient",
        "input above the background, times the gradient",
        lambda made: InputXGradient(fill=made.fill, seed=made.own_seed),
        ("fill",),
        gradients="1",
        signed=True,
    ),
    Method(
        "grad_cam",
        "last convolution's channels, weighted by their mean gradient",
        lambda made: made.settings.grad_cam,
        ("grad_cam",),
        gradients="1",
    ),
    Method(
        "guided_grad_cam",
        "the same, times guided backpropagation",
        lambda made: GuidedGradCam(**vars(made.settings.grad_cam)),
        ("grad_cam",),
        gradients="2",
        signed=True,
    ),
    Method(
        "grad_cam_plus_plus",
        "Grad-CAM with weights for several events",
        lambda made: GradCamPlusPlus(**vars(made.settings.grad_cam)),
        ("grad_cam",),
        gradients="1",
    ),
)
"""In the order of tables."""
