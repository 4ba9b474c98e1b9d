"""Model zero: the exporter of the base model that ships with Onelist.

`python -m onelist_train.model_zero --encoder DIR --texts FILE.jsonl.gz ... --out DIR` distils a MiniLM sentence encoder
into a static token table, fits the vector space, and writes the ONNX graph, its manifest with a numeric probe, and the
tokenizer. `--tower transformer` puts the encoder itself into the graph; `--learn-table` trains the table on passages.
"""
