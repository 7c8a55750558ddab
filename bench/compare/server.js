// One peer's server: `server.js PEER`. Prints `ready ADDRESS`; tells its CPU time to whoever asks.
const { serve } = await import(`./peers/${process.argv[2]}.js`);
console.log(`ready ${await serve()}`);
process.on("message", () => process.send(process.cpuUsage()));
process.on("disconnect", () => process.exit());
