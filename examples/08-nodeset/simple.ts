import { Attribute, Catch, Node, NodeMessage, type Received } from "lamplighter/nodeset";

/** What the nodes of these examples send each other. */
export class SimpleMessage extends NodeMessage {
  @Attribute() payload = "";
}

/** A node that prints what it catches. */
export class SimpleNode extends Node {
  override message = SimpleMessage;

  @Catch("simple_event") onSimpleEvent({ payload }: Received<SimpleMessage>) {
    console.log(`${this.name} caught ${payload}`);
  }
}
