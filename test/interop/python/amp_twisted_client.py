"""A client of AMP in Twisted, for interoperability tests: `amp_twisted_client.py [--cert PEM --key PEM] [--ca PEM]`.

Prints `ready`, then does what JSON lines on stdin say, see `amp_program`; besides what is said there, `connect` and
`open`. An address is `tcp://HOST:PORT`, `tls://HOST:PORT`, `ipc://PATH` or `unix:PATH`. It serves all commands
itself, so that the other end may call back. The certificate and the authority of its options are what it shows when
the other end starts TLS.
"""

import argparse
from urllib.parse import urlsplit

from twisted.internet import reactor
from twisted.internet.endpoints import SSL4ClientEndpoint, TCP4ClientEndpoint, UNIXClientEndpoint, connectProtocol

from amp_commands import Raw
from amp_program import Link, Program, authorities, options_of_tls, own_certificate


def endpoint(address, cert, key, ca):
    """What connects to an address."""
    told = urlsplit(address)
    if told.scheme in ("ipc", "unix"):
        return UNIXClientEndpoint(reactor, told.netloc + told.path)
    if told.scheme == "tls":
        options = options_of_tls(own_certificate(cert, key), authorities(ca), accepts=False)
        return SSL4ClientEndpoint(reactor, told.hostname, told.port, options)
    return TCP4ClientEndpoint(reactor, told.hostname, told.port)


class ClientProgram(Program):
    """Makes connections as well."""

    def __init__(self, certificate, trusted):
        super().__init__(certificate, trusted)
        self.commands.update(connect=self.connect, open=self.open)

    def connect(self, address, cert=None, key=None, ca=None):
        """Connects, and speaks AMP; `on` is the number of the connection. With TLS an authority is optional."""
        done = connectProtocol(endpoint(address, cert, key, ca), self.demo())
        return done.addCallback(lambda end: {"on": next(n for n, link in enumerate(self.links) if link.end is end)})

    def open(self, address, cert=None, key=None, ca=None):
        """Connects for `write` and `read` of any octets."""
        link = Link()

        def ended(reason):
            link.inlet.ended()
            link.lost(type(reason.value).__name__)

        def opened(end):
            link.end = end
            self.links.append(link)
            return {"on": len(self.links) - 1}

        done = connectProtocol(endpoint(address, cert, key, ca), Raw(link.inlet.heard, ended))
        return done.addCallback(opened)


def main():
    parser = argparse.ArgumentParser()
    for name in ("--cert", "--key", "--ca"):
        parser.add_argument(name)
    options = parser.parse_args()
    program = ClientProgram(own_certificate(options.cert, options.key), authorities(options.ca))
    print("ready", flush=True)
    program.run()


if __name__ == "__main__":
    main()
