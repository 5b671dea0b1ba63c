"""Validates an access token as a service in Python would: the JWK set's URL, issuer, audience, the token."""
import json
import sys

import jwt

url, issuer, audience, token = sys.argv[1:5]
key = jwt.PyJWKClient(url).get_signing_key_from_jwt(token)
claims = jwt.decode(
    token,
    key.key,
    algorithms=["ES256", "EdDSA"],
    issuer=issuer,
    audience=audience,
    options={"require": ["exp", "iat", "cnf", "jti"]},
)
print(json.dumps({"header": jwt.get_unverified_header(token), "claims": claims}))
