/** Finds the nonce that a flood of sign-ins asks for: SHA-256(challenge:nonce) beginning with enough zero bits. A second or two on a phone. */
export async function solvePuzzle({
  challenge,
  difficultyBits,
}: {
  challenge: string;
  difficultyBits: number;
}): Promise<{ challenge: string; nonce: string } | undefined> {
  if (difficultyBits > 26) return undefined;
  const encoder = new TextEncoder();
  for (let counter = 0; counter < 2 ** (difficultyBits + 6); counter += 1) {
    const nonce = counter.toString(36);
    const digest = new DataView(await crypto.subtle.digest('SHA-256', encoder.encode(`${challenge}:${nonce}`)));
    if (Math.clz32(digest.getUint32(0)) >= difficultyBits) return { challenge, nonce };
  }
  return undefined;
}
