// A client with nothing but fetch. Any language will do.
const house = `${process.argv[2] ?? "http://127.0.0.1:8080"}/call/com.example.teahouse`;

async function call(method: string, args: unknown): Promise<Response> {
  return await fetch(`${house}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-timeout-ms": "5000" },
    body: JSON.stringify(args),
  });
}

// Arguments in order, or by name.
console.log(await (await call("order", ["oolong", 2])).json());
console.log(await (await call("order", { tea: "mate" })).json());

// Failures say what is known of the call.
const refused = await call("order", ["coffee"]);
const { detail, number, outcome } = (await refused.json()) as Record<string, unknown>;
console.log(refused.status, number, outcome, detail);

// A method that streams: a line of JSON an item, as they come.
const brewed = await call("brew", 3);
for (const line of (await brewed.text()).trim().split("\n")) console.log(line);

// A body as the attachment, and one as the answer.
const label = await fetch(`${house}/label`, {
  method: "POST",
  headers: { "content-type": "application/octet-stream", "x-arguments": '["oolong"]' },
  body: "(picture)",
});
console.log(label.headers.get("x-result"), await label.text());
