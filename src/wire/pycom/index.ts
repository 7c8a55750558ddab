import type { Codec, Wire, WireLimits } from "../wire.js";
import { bodyIndex, decode } from "./decode.js";
import { encode } from "./encode.js";

/**
 * PyCOM 0.6's zerojson (docs/pycom-wire.md): one JSON answer per call, REQ/REP compatible. A client may have many calls
 * in flight, because servers echo the return envelope: `[callId, "", "CALL", json, attachment?]` comes back as
 * `[callId, "", "OK", json, attachment?]`.
 */
export const pycomWire: Wire = {
  name: "pycom",
  recognises: (frames) => bodyIndex(frames) >= 0,
  open: (limits: WireLimits): Codec => ({
    encode: (message) => encode(message, limits),
    decode: (frames) => decode(frames, limits),
  }),
};
