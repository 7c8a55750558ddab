import type { SignedRequest, Verifier } from "./verifier.js";

/** Asks a verifier. Without one everybody may; with one nobody may without a signature, and what fails is a no. */
export async function isSigned(
  verifier: Verifier | undefined,
  { first, second, signature }: { readonly first: string; readonly second: string; readonly signature: string | null },
  request: SignedRequest,
): Promise<boolean> {
  if (!verifier) return true;
  if (signature === null || signature === "") return false;
  try {
    // Programs without types answer whatever they like; only a plain yes is one.
    const answer: unknown = await verifier.verify(first, second, signature, request);
    return answer === true;
  } catch {
    return false;
  }
}
