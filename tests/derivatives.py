"""28 ways in which one picture comes back as another file, as they are met on Commons and elsewhere."""

import io
from collections.abc import Callable, Mapping

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

Change = Callable[[Image.Image], Image.Image]


def jpeg(quality: int) -> Change:
    """Saved and opened again."""

    def change(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return change


def half(image: Image.Image) -> Image.Image:
    """Half as wide and high."""
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def to_128(image: Image.Image) -> Image.Image:
    """128 pixels on the shorter side."""
    short = min(image.size)
    width, height = (round(side * 128 / short) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def gray(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


def gamma(power: float) -> Change:
    """Darker above 1, lighter below."""
    table = [round(255 * (level / 255) ** power) for level in range(256)] * 3
    return lambda image: image.point(table)


def hue(image: Image.Image) -> Image.Image:
    """All colours turned by 42 degrees."""
    first, saturation, light = image.convert("HSV").split()
    return Image.merge("HSV", (first.point(lambda h: (h + 30) % 256), saturation, light)).convert("RGB")


def swapped(image: Image.Image) -> Image.Image:
    """Red for blue."""
    red, green, blue = image.split()
    return Image.merge("RGB", (blue, green, red))


def sharpened(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.UnsharpMask(2, 150, 2))


def denoised(image: Image.Image) -> Image.Image:
    """A median over 3 x 3 pixels: the smallest stars go."""
    return image.filter(ImageFilter.MedianFilter(3))


def cropped(share: float, across: float = 0.5, down: float = 0.5) -> Change:
    """This share of either side; `across` and `down` say where, from 0 (left, top) to 1."""

    def change(image: Image.Image) -> Image.Image:
        width, height = round(image.width * share), round(image.height * share)
        left, top = round((image.width - width) * across), round((image.height - height) * down)
        return image.crop((left, top, left + width, top + height))

    return change


def four_by_three(image: Image.Image) -> Image.Image:
    """The middle in 4:3, or the middle square of what is not square."""
    if abs(image.width - image.height) <= image.width // 20:
        height = image.width * 3 // 4
        top = (image.height - height) // 2
        return image.crop((0, top, image.width, top + height))
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def turned(degrees: float) -> Change:
    """Turned to the left in black; the picture keeps its size."""
    return lambda image: image.rotate(degrees, Image.Resampling.BICUBIC)


def captioned(image: Image.Image) -> Image.Image:
    """A white strip with words below, an eighth of the height."""
    strip = max(14, image.height // 8)
    wider = Image.new("RGB", (image.width, image.height + strip), (255, 255, 255))
    wider.paste(image, (0, 0))
    draw, font = ImageDraw.Draw(wider), ImageFont.load_default(size=max(8, strip // 3))
    draw.text(
        (6, image.height + strip // 4), "The nebula in hydrogen light, 12 x 300 s", (0, 0, 0), font=font
    )
    return wider


def bordered(level: int) -> Change:
    """A frame of one gray, a twelfth of the width."""
    return lambda image: ImageOps.expand(image, max(4, image.width // 12), (level, level, level))


def labelled(image: Image.Image) -> Image.Image:
    """Names beside objects, with pointers."""
    marked = image.copy()
    draw, font = ImageDraw.Draw(marked), ImageFont.load_default(size=max(8, image.height // 28))
    for name, x, y in (
        ("NGC 1234", 0.2, 0.25),
        ("HD 56789", 0.6, 0.4),
        ("IC 42", 0.35, 0.7),
        ("B 33", 0.7, 0.8),
    ):
        at = (x * image.width, y * image.height)
        draw.line((*at, at[0] - 0.05 * image.width, at[1] + 0.05 * image.height), (255, 220, 80), 1)
        draw.text(at, name, (255, 220, 80), font=font)
    return marked


def with_logo(image: Image.Image) -> Image.Image:
    """An emblem in the lower right corner, a sixth of the width."""
    marked = image.copy()
    draw, side = ImageDraw.Draw(marked), image.width // 6
    right, bottom = image.width - 6, image.height - 6
    draw.ellipse((right - side, bottom - side, right, bottom), (30, 60, 150), (255, 255, 255), 2)
    draw.text((right - side * 0.75, bottom - side * 0.6), "ASTRO", (255, 255, 255))
    return marked


KINDS: Mapping[str, Change] = {
    "JPEG quality 50": jpeg(50),
    "JPEG quality 20": jpeg(20),
    "half as large": half,
    "128 px": to_128,
    "gray": gray,
    "gamma 0.6": gamma(0.6),
    "gamma 1.6": gamma(1.6),
    "hue": hue,
    "red for blue": swapped,
    "sharpened": sharpened,
    "denoised": denoised,
    "crop 97 %": cropped(0.97),
    "crop 95 %": cropped(0.95, 0.2, 0.8),
    "crop 90 %": cropped(0.90, 0.8, 0.3),
    "crop 75 %": cropped(0.75, 0.3, 0.7),
    "crop 50 %": cropped(0.50, 0.3, 0.6),
    "4:3 or square": four_by_three,
    "mirrored": ImageOps.mirror,
    "upside down": ImageOps.flip,
    "turned 90": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned 180": turned(180),
    "turned 3": turned(3),
    "turned 15": turned(15),
    "caption": captioned,
    "white border": bordered(255),
    "black border": bordered(0),
    "labels": labelled,
    "logo": with_logo,
}
