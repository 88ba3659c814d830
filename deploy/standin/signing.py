"""Key pairs for tokens, as many as one likes: each follows from the stack's secret.

A request names the pairs whose public keys it wants (``?keys=1,2``; by default the
first), so that a rotation is a matter of who asks and changes nothing for others.
"""

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from deploy.local.facts import LocalStack

ALGORITHM = "ES256"
"""What new Supabase projects sign with."""

CURVE = ec.SECP256R1()


def key_id(number: int) -> str:
    """Name a pair."""
    return f"standin-{number}"


def private_key(stack: LocalStack, number: int) -> ec.EllipticCurvePrivateKey:
    """Give the private key of a pair."""
    seed = hashlib.sha256(f"{stack.jwt_secret}/{number}".encode()).digest()
    # Any number from 1 to the order of the curve, which is a little under 2**256.
    return ec.derive_private_key(int.from_bytes(seed, "big") >> 1 or 1, CURVE)


def public_key(stack: LocalStack, number: int) -> dict[str, Any]:
    """Give the public key of a pair as a JSON Web Key."""
    public = private_key(stack, number).public_key()
    return {
        **ECAlgorithm.to_jwk(public, as_dict=True),
        "kid": key_id(number),
        "alg": ALGORITHM,
        "use": "sig",
        "key_ops": ["verify"],
    }
