// @grpc/grpc-js with protobuf.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const { bench } = grpc.loadPackageDefinition(
  loader.loadSync(fileURLToPath(new URL("grpc.proto", import.meta.url)), { defaults: true }),
);
const LIMITS = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

export async function serve() {
  const server = new grpc.Server(LIMITS);
  const echo = ({ request }, done) => done(null, request);
  server.addService(bench.Echo.service, {
    Small: echo,
    Text: echo,
    Bytes: echo,
    Count: async (call) => {
      for (let n = 0; n < call.request.to; n++) {
        if (!call.write({ n })) await new Promise((resolve) => call.once("drain", resolve));
      }
      call.end();
    },
  });
  const port = await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return `127.0.0.1:${port}`;
}

export async function connect(address) {
  const client = new bench.Echo(address, grpc.credentials.createInsecure(), LIMITS);
  const call = (method, request) =>
    new Promise((resolve, reject) => {
      client[method](request, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  return {
    small: async (value) =>
      typeof value === "string" ? (await call("Text", { text: value })).text : await call("Small", value),
    bytes: async (data) => (await call("Bytes", { data })).data,
    count: async function* (to) {
      for await (const { n } of client.Count({ to })) yield n;
    },
  };
}
