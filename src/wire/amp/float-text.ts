/**
 * A float as Python's `repr` writes it: the shortest digits that give the same number, `1.0`, `1e+16`, `1e-05`, `nan`, `-inf`
 * (docs/amp-wire.md, section 3).
 */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (!Number.isFinite(value)) return `${sign}inf`;
  // JavaScript finds the same digits: d.ddde±x.
  const [mantissa = "0", power = "0"] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/** The number of a text that Python's `float` takes; `undefined` for any other. */
export function floatOf(text: string): number | undefined {
  const [, sign, digits, name] = FLOAT.exec(text) ?? [];
  if (digits !== undefined) {
    const number = Number(digits.replaceAll("_", ""));
    return sign === "-" ? -number : number;
  }
  if (name === undefined) return undefined;
  if (name.toLowerCase() === "nan") return Number.NaN;
  return sign === "-" ? -Infinity : Infinity;
}

/** White space around, a sign, digits with single `_` between them, or a name. */
const FLOAT =
  /^[\t-\r ]*([+-])?(?:((?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?)|(inf|infinity|nan))[\t-\r ]*$/i;
