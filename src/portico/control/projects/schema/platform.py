"""`oidc`, `tls`, `encryption`: how Portico itself is entered and closed."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from portico.control.projects.schema.part import Part
from portico.control.projects.units import Duration, Name, Text, one_or_many


class Issuer(Part):
    issuer: Text
    audience: Annotated[list[Text], BeforeValidator(one_or_many)]
    algorithms: list[Literal["RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA"]] = (
        Field(default_factory=list)
    )
    claims: dict[Name, Text] = Field(default_factory=dict)
    clock_skew: Duration = 60.0
    jwks_url: Text = ""
    client_id: Text = ""
    client_secret: Text = ""


class Tls(Part):
    certificate: Text
    key: Text
    client_ca: Text = ""
    client_certificates: Literal["off", "optional", "required"] = "off"


class Encryption(Part):
    key: Text = ""
    kms: Text = ""
    key_file: Text = ""
    context: dict[Name, Text] = Field(default_factory=dict)
