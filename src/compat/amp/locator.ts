import type { AmpDialect, Box } from "../../wire/amp/index.js";
import type { CallParameters } from "./calls.js";
import type { Command, CommandLike } from "./command.js";
import type { CommandResponse, TakeOver } from "./command-types.js";
import type { AmpPeerInfo } from "./options.js";

/** The other end of a connection, for whoever answers it: it can be called as well. */
export interface AmpPeer {
  /** Calls a command there. */
  callRemote<C extends CommandLike>(command: C, ...call: CallParameters<C>): Promise<CommandResponse<C>>;
  /** Who it is, as far as the connection knows: where it comes from, and the certificate that it has proven to hold. */
  readonly info: AmpPeerInfo;
}

/** What a responder gets to know of a request, besides its arguments. */
export interface ResponderContext {
  /** Who asks. */
  readonly peer: AmpPeer;
  /** Fires when the connection has ended, so that nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** The name of the command that was asked for. */
  readonly command: string;
  /** Is an answer wanted? Absent: yes. Without one nobody can be told that it failed, and the connection ends when it does. */
  readonly isAsked?: boolean | undefined;
  /** Which boxes the other end can read. */
  readonly dialect: AmpDialect;
}

/** What answers requests for one command. */
export interface BoxResponder {
  /**
   * What it answers, which says whether the connection is closed or switched after it, and as what its errors travel. Absent: it is
   * neither, and no errors are declared.
   */
  readonly command?: Command | undefined;
  /**
   * Answers a request.
   *
   * Whatever it throws is told to the caller as `failureOf` says. A box that cannot be sent, as a key or value of it is too long, is a
   * failure as well: a `BadLocalReturnError`, which whoever sends boxes has to make of it.
   *
   * @param box - the values of the request, without the keys that mean something themselves; views of what was read
   * @returns the values of the answer; of a command that switches, what takes the connection over after an answer without values
   */
  respond(box: Box, context: ResponderContext): Box | TakeOver | Promise<Box | TakeOver>;
}

/** Where responders are found, by the name of the command. */
export interface ResponderLocator {
  /** What answers a command; `undefined` where nothing does. The name is whatever a peer sent: look it up in a `Map`, not in an object. */
  locateResponder(name: string): BoxResponder | undefined;
}

/** Several locators as one: the first that knows a command has it. */
export function joinLocators(...locators: readonly ResponderLocator[]): ResponderLocator {
  return {
    locateResponder(name) {
      for (const locator of locators) {
        const responder = locator.locateResponder(name);
        if (responder) return responder;
      }
      return undefined;
    },
  };
}
