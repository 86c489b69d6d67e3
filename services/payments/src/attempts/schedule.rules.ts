/** How long ago things happened at a bank, and how long it waits for a verify. */
export interface VerifyClock {
  redirectedSecondsAgo: number;
  /** Since we first heard that the card was charged: the bank counts from some moment between the redirect and this one. */
  chargedSecondsAgo: number;
  windowSeconds: number;
}

/** The bank may still take a verify, by the latest moment that it may count from. */
export function isWindowOpen({ chargedSecondsAgo, windowSeconds }: VerifyClock): boolean {
  return chargedSecondsAgo < windowSeconds;
}

/**
 * Seconds after a verify without an answer until the next: 5, 15, 30, 60, 120, then every two minutes (reliability.md, 2.2), and every
 * half a minute from three minutes before the window may end until it surely has. After that hourly.
 */
export function verifyDelaySeconds(verifyCount: number, clock: VerifyClock): number {
  if (!isWindowOpen(clock)) return 3_600;
  const usual = [5, 15, 30, 60, 120][verifyCount - 1] ?? 120;
  const leftAtLeast = clock.windowSeconds - clock.redirectedSecondsAgo;
  const dense = leftAtLeast < 180 ? 30 : leftAtLeast - 150;
  // At its very end the bank's own record is looked at.
  return Math.max(1, Math.ceil(Math.min(usual, dense, clock.windowSeconds - clock.chargedSecondsAgo + 1)));
}

/** Minutes after the redirect at which the PSP is asked about a browser that did not come back. */
const inquiryMinutes = [5, 8, 12, 18, 25];
/** Where only verify can ask, and the window is the shortest of all. */
const verifyMinutes = [1, 3, 6, 10, 13, 18, 25];

/** Seconds from now until the next inquiry, or undefined when the last one is over. */
export function nextInquirySeconds(redirectedSecondsAgo: number, isAskedByVerify = false): number | undefined {
  const minutes = isAskedByVerify ? verifyMinutes : inquiryMinutes;
  const next = minutes.find((minute) => minute * 60 > redirectedSecondsAgo + 1);
  return next === undefined ? undefined : Math.ceil(next * 60 - redirectedSecondsAgo);
}
