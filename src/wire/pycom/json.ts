/**
 * Parses what Python's `json` writes. Python emits the tokens `NaN`, `Infinity` and `-Infinity`, which JSON does not
 * have; a result that contains one is worth reading, so a text that `JSON.parse` refuses is read once more with those
 * tokens understood (docs/pycom-wire.md, section 4).
 *
 * @throws SyntaxError when it is no JSON either way
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!text.includes("NaN") && !text.includes("Infinity")) throw error;
    // Strings are matched first and kept, so a token inside one is left alone. The marker cannot occur in the text.
    let marker = "#";
    while (text.includes(marker)) marker += "#";
    const marked = text.replace(TOKENS, (token) => (token.startsWith('"') ? token : JSON.stringify(marker + token)));
    return JSON.parse(marked, (_key, value: unknown) =>
      typeof value === "string" && value.startsWith(marker) ? Number(value.slice(marker.length)) : value,
    );
  }
}

const TOKENS = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/gs;
