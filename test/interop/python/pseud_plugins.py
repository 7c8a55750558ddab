"""The plugins of pseud by name and role."""

import pseud_auth
import pseud_heartbeats
import pseud_untrusted

CLIENT = "client"
SERVER = "server"

PLUGINS = {
    ("noop_auth_backend", CLIENT): pseud_auth.Noop,
    ("noop_auth_backend", SERVER): pseud_auth.Noop,
    ("plain", CLIENT): pseud_auth.PlainClient,
    ("plain", SERVER): pseud_auth.PlainServer,
    ("trusted_peer", SERVER): pseud_auth.TrustedPeerServer,
    ("trusted_curve", CLIENT): pseud_auth.CurveClient,
    ("trusted_curve", SERVER): pseud_auth.CurveServer,
    ("untrusted_curve", CLIENT): pseud_untrusted.UntrustedCurveClient,
    ("untrusted_curve", SERVER): pseud_untrusted.UntrustedCurveServer,
    ("noop_heartbeat_backend", CLIENT): pseud_heartbeats.Noop,
    ("noop_heartbeat_backend", SERVER): pseud_heartbeats.Noop,
    ("testing_heartbeat_backend", CLIENT): pseud_heartbeats.TestingClient,
    ("testing_heartbeat_backend", SERVER): pseud_heartbeats.TestingServer,
}


def create(name, endpoint):
    return PLUGINS[name, endpoint.role](endpoint)
