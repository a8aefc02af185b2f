"""Pictures with the statistics of deep-sky photographs: clouds at all scales, stars with a width, black."""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter


def a_sky(seed: int, width: int = 256, height: int | None = None) -> Image.Image:
    """Clouds with a 1/f² spectrum in two colours under a few hundred stars; another sky for every seed."""
    height = height or width
    dice = np.random.default_rng(seed)
    down, across = np.fft.fftfreq(height)[:, None] * height, np.fft.fftfreq(width)[None, :] * width
    falloff = 1 / np.maximum(np.hypot(down, across), 1) ** 1.6
    layers = []
    for _ in range(2):
        cloud = np.fft.ifft2(np.fft.fft2(dice.normal(size=(height, width))) * falloff).real
        layers.append(np.clip(cloud / cloud.std(), 0, None) * 40)
    stars = np.zeros((height, width))
    count = width * height // 300
    stars[dice.integers(0, height, count), dice.integers(0, width, count)] = 40 * dice.pareto(1.5, count) + 60
    light = gaussian_filter(stars, 1.2) * 6
    warm, cold = layers
    colours = np.stack([warm + 0.3 * cold + light, 0.5 * warm + 0.5 * cold + light, cold + light], axis=-1)
    return Image.fromarray(np.clip(colours + 4, 0, 255).astype(np.uint8))
