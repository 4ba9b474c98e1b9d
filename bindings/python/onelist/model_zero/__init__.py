"""Model zero: the exporter of the base model that Onelist ships.

`python -m onelist.model_zero --encoder DIR --texts FILE.jsonl.gz ... --out DIR` distils a MiniLM
sentence encoder into a static token table, fits the shipped vector space, writes the ONNX graph,
its manifest with a numeric probe, and the tokenizer. With `--tower transformer` the encoder itself goes into
the graph; with `--learn-table` the table is trained on passages, which needs PyTorch. Else only NumPy, `onnx` and ONNX
Runtime are needed.
"""
