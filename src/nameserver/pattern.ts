export function compilePattern(pattern: string): (text: string) => boolean {
  const r = new RegExp(pattern, "y");
  return (t) => {
    r.lastIndex = 0;
    return r.test(t);
  };
}
