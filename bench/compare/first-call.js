// The first call of a fresh process: `first-call.js PEER ADDRESS`. Ends when it is answered.
const [, , peer, address] = process.argv;
const { connect, oneClient } = await import(`./peers/${peer}.js`);
if (oneClient) process.stdout.write("none\n", () => process.exit());
else {
  const client = await connect(address);
  await client.small({ a: 42 });
  process.stdout.write("answered\n", () => process.exit());
}
