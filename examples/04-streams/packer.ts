import { Interface, Method, main } from "lamplighter";

@Interface("com.foo.packer")
export class Packer {
  @Method({
    params: ["data"],
    results: "packed",
    attachments: { incoming: "data", outgoing: "packed", stream: true },
  })
  pack(data: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    return data.pipeThrough(new CompressionStream("gzip"));
  }
}

main();
