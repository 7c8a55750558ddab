import { ConfigurationError } from "../../../errors.js";
import { Gate } from "../../../security/gate.js";
import { textOf } from "../octets.js";
import type { ClientSecurity, SecurityPlugin, SecuritySettings } from "./plugin.js";
import { passwordCheck } from "./settings.js";

/** User and password with the connection, in clear text: for unix sockets and networks that are trusted. */
export const plain: SecurityPlugin = {
  name: "plain",
  server: (settings) => {
    const gate = new Gate(
      {
        mechanisms: ["plain"],
        authenticator: { checkPassword: passwordCheck(settings, "plain") },
        maxFailedLogins: settings.maxFailedLogins,
      },
      settings.log,
    );
    return { listener: gate.listenerSecurity(["plain"]) };
  },
  client: plainClient,
};

/** As {@link plain}, but any password will do: who connects is who it says. For peers that nobody else can reach. */
export const trustedPeer: SecurityPlugin = {
  name: "trusted_peer",
  server: () => ({ listener: { plain: (user) => textOf(user) } }),
  client: plainClient,
};

function plainClient({ userId, password }: SecuritySettings): ClientSecurity {
  if (userId === undefined) throw new ConfigurationError("Who logs in with a password has a name (option userId)");
  return { link: { mechanism: "plain", user: userId, password: password ?? new Uint8Array() } };
}
