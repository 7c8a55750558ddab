import type { CallOptions } from "../../peer/invoker.js";
import { requirePlainCall } from "../../peer/plain-call.js";
import type { AmpCallOptions, CallParameters } from "./calls.js";
import { type CommandLike, commandOf } from "./command.js";
import type { CommandResponse, SwitchingCommand } from "./command-types.js";
import type { AmpEnd } from "./end.js";
import type { AmpPeer } from "./peer.js";
import type { Verb } from "./remote.js";

type Verbs = Pick<AmpPeer, Verb>;

/** Names of what a connection can do itself. */
export const VERBS: Readonly<Record<Verb, true>> = {
  callRemote: true,
  callBox: true,
  startTls: true,
  switchProtocol: true,
  close: true,
  closed: true,
  info: true,
};

/**
 * What a connection can do itself, for a proxy of it.
 *
 * @param options - of its calls, as far as they do not say otherwise; default none
 */
export function verbsOf(end: AmpEnd, options: CallOptions | undefined): Verbs {
  const { closed, info } = end;
  const close = (): Promise<void> => end.close();
  if (!options) {
    return {
      callRemote: end.callRemote.bind(end),
      callBox: end.callBox.bind(end),
      startTls: end.startTls.bind(end),
      switchProtocol: end.switchProtocol.bind(end),
      close,
      closed,
      info,
    };
  }
  return {
    async callRemote<C extends CommandLike>(
      command: C,
      ...[args, own]: CallParameters<C>
    ): Promise<CommandResponse<C>> {
      return await end.callRemote(
        command,
        ...([args, joinedOptions(options, own, commandOf(command).name)] as CallParameters<C>),
      );
    },
    async callBox(name, values, own) {
      return await end.callBox(name, values, joinedOptions(options, own, name));
    },
    async startTls(tls, own) {
      await end.startTls(tls, joinedOptions(options, own, "StartTLS"));
    },
    async switchProtocol<C extends SwitchingCommand>(command: C, ...[args, own]: CallParameters<C>) {
      return await end.switchProtocol(
        command,
        ...([args, joinedOptions(options, own, commandOf(command).name)] as CallParameters<C>),
      );
    },
    close,
    closed,
    info,
  };
}

/**
 * The options of one call over a proxy that has some.
 *
 * @throws BadRequestError, `not-sent`, for an attachment or extensions, which AMP has no place for
 */
export function joinedOptions(options: CallOptions, own: AmpCallOptions | undefined, method: string): AmpCallOptions {
  const { attachment, extensions, ...rest } = { ...options, ...own };
  requirePlainCall({ interface: "", method, sessionId: undefined, attachment, extensions }, "amp");
  return rest;
}
