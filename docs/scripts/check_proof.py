"""Checks that an event stands in a log whose checkpoint was signed: check_proof.py PROOF.json [PUBLIC_KEY].

Needs Python and the package `cryptography` only; nothing of Anlan. See docs/log-format.md.
"""

import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha(data):
    """SHA-256."""
    return hashlib.sha256(data).digest()


def climb(at, path):
    """The root that a leaf and its path lead to."""
    for side, other in path:
        other = bytes.fromhex(other)
        at = sha(b"\x01" + other + at) if side == "left" else sha(b"\x01" + at + other)
    return at


proof = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
trusted = sys.argv[2] if len(sys.argv) > 2 else proof["public_key"]
if Path(trusted).is_file():  # keys/signing.pub
    trusted = Path(trusted).read_text().strip()
if len(trusted) != 64 or set(trusted.lower()) - set("0123456789abcdef"):
    sys.exit("NO KEY: give the public key as 64 hexadecimal digits, or the file signing.pub")
entry = sha(b"\x00" + proof["entry"].encode())
stream, first, last, head = proof["stream"]
inner = climb(entry, proof["path"])
leaf = json.dumps([stream, first, last, head, inner.hex()], ensure_ascii=False, separators=(",", ":"))
root = climb(sha(b"\x00" + leaf.encode()), proof["stream_path"])
statement = json.loads(proof["statement"])
if root.hex() != statement["root"]:
    sys.exit("NOT PROVEN: the path does not lead to the root that was signed")
try:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(trusted))
    key.verify(bytes.fromhex(proof["signature"]), proof["statement"].encode())
except Exception:
    sys.exit("NOT PROVEN: the signature is not by this key")
sys.stdout.write(f"PROVEN in checkpoint {statement['number']}, made at {statement['made_us'] / 1e6:.0f}:\n")
sys.stdout.write(proof["entry"] + "\n")
