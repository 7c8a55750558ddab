"""A server of AMP in Twisted, for interoperability tests.

    amp_twisted_server.py [--address tcp:0 | unix:PATH | tls:0] [--cert PEM --key PEM] [--ca PEM]

Prints `ready ADDRESS`, then one JSON line for each event: `connected`, `lost` with the class of the reason,
`notified`, `inner-lost` after a switch, `logged` for what Twisted logs as an error. The certificate and the authority
are for `tls:0`, elsewhere for StartTLS; StartTLS without a certificate makes one that nobody believes. Connections
are numbered as they come, and do what `amp_program` says, such as calls. Ends with stdin.
"""

import argparse

from twisted.internet import reactor
from twisted.internet.protocol import Factory

from amp_program import Program, authorities, options_of_tls, own_certificate


def listen(address, factory, certificate, trusted):
    """Binds; returns the address."""
    kind, _, where = address.partition(":")
    if kind == "unix":
        reactor.listenUNIX(where, factory)
        return f"ipc://{where}"
    if kind == "tls":
        options = options_of_tls(certificate, trusted, accepts=True)
        port = reactor.listenSSL(int(where), factory, options, interface="127.0.0.1")
    else:
        port = reactor.listenTCP(int(where), factory, interface="127.0.0.1")
    return f"{kind}://127.0.0.1:{port.getHost().port}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="tcp:0")
    for name in ("--cert", "--key", "--ca"):
        parser.add_argument(name)
    options = parser.parse_args()
    certificate, trusted = own_certificate(options.cert, options.key), authorities(options.ca)
    program = Program(certificate, trusted)
    factory = Factory.forProtocol(program.demo)
    print("ready", listen(options.address, factory, certificate, trusted), flush=True)
    program.run()


if __name__ == "__main__":
    main()
