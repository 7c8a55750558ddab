import { AmpCommand, integer, unicode } from "lamplighter/amp";

/** What the server refuses to do. */
export class TooOften extends Error {}

/** A text, several times. The name of the class is the name that travels. */
export class RepeatCommand extends AmpCommand {
  static override arguments = { text: unicode(), times: integer({ as: "number" }) };
  static override response = { text: unicode() };
  static override errors = { TooOften };
}

/** The client's own motto, several times. */
export class RepeatMottoCommand extends AmpCommand {
  static override arguments = { times: integer({ as: "number" }) };
  static override response = { text: unicode() };
}

/** What the server asks the client for. */
export class MottoCommand extends AmpCommand {
  static override response = { text: unicode() };
}
