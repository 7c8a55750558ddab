import { Dispatcher } from "lamplighter/nodeset";

const dispatcher = await new Dispatcher({ address: process.argv[2] }).start();

console.log(`ready ${dispatcher.address}`);
process.once("SIGTERM", () => void dispatcher.close());
process.once("SIGINT", () => void dispatcher.close());
