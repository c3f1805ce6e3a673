"""Runs Debian's python3-hpack over a script of steps: one JSON value a line in, one a line out. See hpack-oracle.ts."""
import json
import sys

from hpack import Decoder, Encoder, NeverIndexedHeaderTuple


def text(data):
    return data.decode("latin-1")


encoder = decoder = None
for line in sys.stdin:
    step = json.loads(line)
    result = None
    if step["do"] == "start":
        # A new connection; what the decoder offers at first is 4096 for both.
        encoder, decoder = Encoder(), Decoder(max_header_list_size=2**24)
        decoder.max_allowed_table_size = 4096
    elif step["do"] == "offer":
        decoder.max_allowed_table_size = step["bytes"]
    elif step["do"] == "resize":
        encoder.header_table_size = step["bytes"]
    elif step["do"] == "decode":
        try:
            fields = decoder.decode(bytes.fromhex(step["block"]), raw=True)
            result = [[text(name), text(value), isinstance(f, NeverIndexedHeaderTuple)] for f in fields for name, value in [f]]
        except Exception as error:
            result = "%s: %s" % (type(error).__name__, error)
    elif step["do"] == "encode":
        fields = [(n.encode("latin-1"), v.encode("latin-1"), is_secret) for n, v, is_secret in step["fields"]]
        result = encoder.encode(fields, huffman=step["huffman"]).hex()
    if result is not None:
        print(json.dumps(result))
