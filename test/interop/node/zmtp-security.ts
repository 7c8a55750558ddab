import { Reply, type SocketOptions } from "zeromq";

/** What CURVE needs, in Z85. */
export type Keys = Record<"server_public" | "server_secret" | "client_public" | "client_secret" | "admitted", string>;

/** Options of a socket that binds, whose questions about credentials are answered from now on. */
export async function serverSecurity(mechanism: string, keys: Keys): Promise<SocketOptions<Reply>> {
  if (mechanism === "null") return {};
  await authenticate(mechanism, keys);
  if (mechanism === "plain") return { plainServer: true, zapDomain: "test" };
  return {
    curveServer: true,
    curvePublicKey: keys.server_public,
    curveSecretKey: keys.server_secret,
    zapDomain: "test",
  };
}

/** Options of a socket that connects. */
export function clientSecurity(mechanism: string, keys: Keys): SocketOptions<Reply> {
  if (mechanism === "plain") return { plainUsername: "alice", plainPassword: "pa55" };
  if (mechanism !== "curve") return {};
  return { curveServerKey: keys.server_public, curvePublicKey: keys.client_public, curveSecretKey: keys.client_secret };
}

/** Answers libzmq's questions about credentials (RFC 27). */
async function authenticate(mechanism: string, keys: Keys): Promise<void> {
  const socket = new Reply();
  await socket.bind("inproc://zeromq.zap.01");
  void (async () => {
    for await (const [version = "", request = "", , , , , first, second] of socket) {
      const admitted =
        mechanism === "plain"
          ? String(first) === "alice" && String(second) === "pa55"
          : z85(first ?? Buffer.alloc(0)) === keys.admitted;
      await socket.send([
        version,
        request,
        admitted ? "200" : "400",
        admitted ? "OK" : "no",
        admitted ? "alice" : "",
        "",
      ]);
    }
  })();
}

function z85(bytes: Uint8Array): string {
  const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  let text = "";
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    let value = Buffer.from(bytes).readUInt32BE(at);
    let group = "";
    for (let index = 0; index < 5; index++) {
      group = (digits[value % 85] ?? "") + group;
      value = Math.floor(value / 85);
    }
    text += group;
  }
  return text;
}
