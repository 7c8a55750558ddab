"""Certificates for tests, of an authority made for the purpose: `amp_certificates.py FOLDER` writes `ca.pem`, and for
`server`, `client` and a `stranger`, whom another authority knows, NAME.pem and NAME-key.pem. Each is for 127.0.0.1."""

import datetime
import ipaddress
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(name, issuer=None):
    """A key and its certificate; without an issuer, of an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_key, issuer_name = (key, subject) if issuer is None else (issuer[0], issuer[1].subject)
    now = datetime.datetime.now(datetime.timezone.utc)
    places = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(places), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return key, made


def write(folder, name, key, made):
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{name}.pem").write_bytes(made.public_bytes(encoding))
    (folder / f"{name}-key.pem").write_bytes(private)


def main(folder):
    known, unknown = certificate("authority"), certificate("another authority")
    write(folder, "ca", *known)
    for name in ("server", "client"):
        write(folder, name, *certificate(name, known))
    write(folder, "stranger", *certificate("stranger", unknown))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
