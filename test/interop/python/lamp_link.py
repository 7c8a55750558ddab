"""A socket of libzmq in an event loop of asyncio, and word of when its connection is gone."""

import asyncio

import zmq


class Link:
    """Gives every message to `received`, in order, and calls `gone` after the last one if the socket `watches` for its
    connection's end."""

    def __init__(self, kind, received, gone=None):
        self.socket = zmq.Context.instance().socket(kind)
        # One connection: what libzmq would make again underneath had no hello. Not -1, with which libzmq throws away what
        # came before the end.
        self.socket.reconnect_ivl = 3_600_000
        # A full ROUTER drops messages, in silence.
        self.socket.sndhwm = self.socket.rcvhwm = 0
        self.received = received
        self.gone = gone
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED) if gone else None
        self.loop = asyncio.get_running_loop()
        for socket in filter(None, (self.socket, self.monitor)):
            self.loop.add_reader(socket.fd, self.pump)

    def send(self, frames):
        self.socket.send_multipart(frames)
        # The descriptor tells of changes only, and sending may have taken one.
        self.loop.call_soon(self.pump)

    def pump(self):
        while not self.socket.closed:
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            self.received(frames)
        if not self.socket.closed and self.monitor and self.monitor.poll(0):
            self.gone()

    def close(self, linger):
        if self.socket.closed:
            return
        for socket in filter(None, (self.socket, self.monitor)):
            self.loop.remove_reader(socket.fd)
        if self.monitor:
            self.socket.disable_monitor()
            self.monitor.close()
        self.socket.close(linger)
