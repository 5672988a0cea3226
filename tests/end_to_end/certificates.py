"""A certificate authority of a test's own: root, intermediate, and server certificates as public ones are made.

Nothing here is trusted by anything but the program that is given the root. No key leaves the test's folder.
"""
from clients import program

# The responder exists nowhere: a certificate without a way to revoke it is what checkers would report.
_SERVER = """\
subjectAltName={names}
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
authorityInfoAccess=OCSP;URI:http://ocsp.example.com/
"""
_INTERMEDIATE = """\
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""
_P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256")


class Authority:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.root = folder / "root.crt"
        program("openssl", "req", "-x509", *_P256, "-keyout", str(folder / "root.key"), "-out", str(self.root),
                "-days", "3650", "-subj", "/O=Example Test/CN=Example Test Root",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self._sign("intermediate", "/O=Example Test/CN=Example Test Intermediate", _INTERMEDIATE, "root", 1825)

    def server(self, *names, days=90):
        """(certificate with its chain, key): PEM files for a server of these names and addresses."""
        kinds = {True: "IP", False: "DNS"}
        extensions = _SERVER.format(names=",".join(f"{kinds[name[-1].isdigit()]}:{name}" for name in names))
        leaf = self._sign(names[0], f"/CN={names[0]}", extensions, "intermediate", days)
        chain = self.folder / f"{names[0]}.pem"
        chain.write_text(leaf.read_text() + (self.folder / "intermediate.crt").read_text())
        return chain, leaf.with_suffix(".key")

    def _sign(self, name, subject, extensions, issuer, days):
        files = {kind: str(self.folder / f"{name}.{kind}") for kind in ("key", "csr", "ext", "crt")}
        with open(files["ext"], "w", encoding="ascii") as file:
            file.write(extensions)
        program("openssl", "req", *_P256, "-keyout", files["key"], "-out", files["csr"], "-subj", subject)
        program("openssl", "x509", "-req", "-in", files["csr"], "-CA", str(self.folder / f"{issuer}.crt"),
                "-CAkey", str(self.folder / f"{issuer}.key"), "-CAcreateserial", "-days", str(days), "-sha256",
                "-extfile", files["ext"], "-out", files["crt"])
        return self.folder / f"{name}.crt"
