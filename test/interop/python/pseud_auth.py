"""The simple authentication plugins of pseud: noop, plain, trusted_peer and trusted_curve.

None of these has a `handle_authentication`: whoever gets an UNAUTHORIZED with one of them dies of it.
"""

from zmq.utils import z85

from pseud_zap import ZapHandler


class User:
    """What predicates get to see."""

    def __init__(self, is_admin):
        self.is_admin = is_admin

    def has_permission(self, permission):
        return self.is_admin


class Noop:
    """Everybody is authenticated, nobody has a name; an addressee is a routing id."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def configure(self):
        pass

    async def stop(self):
        pass

    def register_routing_id(self, user_id, routing_id):
        pass

    def is_authenticated(self, user_id):
        return True

    async def handle_hello(self, user_id, routing_id, uid, body):
        pass

    async def handle_authenticated(self, body):
        pass

    def save_last_work(self, frames):
        pass

    def get_routing_id(self, user_id):
        return user_id

    def get_predicate_arguments(self, user_id):
        """The user, where the tests told who the admins are."""
        admins = self.endpoint.settings.get("admins")
        return {} if admins is None else {"user": User(user_id in admins)}


class PlainClient(Noop):
    def configure(self):
        self.endpoint.socket.plain_username = self.endpoint.user_id
        self.endpoint.socket.plain_password = self.endpoint.password


class MappingServer(Noop):
    """A Server with a handler of ZAP; it knows at which routing id each user was seen last."""

    def __init__(self, endpoint):
        super().__init__(endpoint)
        self.routing_ids = {}
        self.zap = None

    def configure(self):
        self.configure_socket(self.endpoint.socket)
        self.zap = ZapHandler(self.endpoint.context, self.decide)

    async def stop(self):
        if self.zap:
            await self.zap.stop()

    def configure_socket(self, socket):
        socket.plain_server = 1

    def decide(self, mechanism, credentials):
        """The user id of a connection, or None."""
        raise NotImplementedError

    def register_routing_id(self, user_id, routing_id):
        self.routing_ids[user_id] = routing_id

    def get_routing_id(self, user_id):
        return self.routing_ids[user_id]


class PlainServer(MappingServer):
    def decide(self, mechanism, credentials):
        """By the table of users, or with the name for a password where there is none."""
        if mechanism != b"PLAIN":
            return None
        username, password = credentials
        users = self.endpoint.settings.get("users")
        return username if password == (username if users is None else users.get(username)) else None


class TrustedPeerServer(MappingServer):
    def decide(self, mechanism, credentials):
        return credentials[0] if mechanism == b"PLAIN" else None


class CurveClient(Noop):
    def configure(self):
        self.endpoint.socket.curve_publickey = self.endpoint.public_key
        self.endpoint.socket.curve_secretkey = self.endpoint.secret_key
        self.endpoint.socket.curve_serverkey = self.endpoint.peer_public_key


class CurveServer(MappingServer):
    def configure_socket(self, socket):
        socket.curve_server = 1
        socket.curve_publickey = self.endpoint.public_key
        socket.curve_secretkey = self.endpoint.secret_key

    def decide(self, mechanism, credentials):
        return self.user_of_key(z85.encode(credentials[0])) if mechanism == b"CURVE" else None

    def user_of_key(self, key):
        """By the table from Z85 keys to users."""
        return self.endpoint.settings.get("keys", {}).get(key)
