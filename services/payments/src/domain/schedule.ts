/** Seconds after a verify without an answer until the next: 5, 15, 30, 60, 120, then every two minutes (reliability.md, 2.2). */
export function verifyDelaySeconds(verifyCount: number): number {
  return [5, 15, 30, 60, 120][verifyCount - 1] ?? 120;
}

/** Minutes after the redirect at which the PSP is asked about a browser that did not come back. */
const inquiryMinutes = [5, 8, 12, 18, 25];

/** Seconds from now until the next inquiry, or undefined when the last one is over. */
export function nextInquirySeconds(redirectedSecondsAgo: number): number | undefined {
  const next = inquiryMinutes.find((minutes) => minutes * 60 > redirectedSecondsAgo + 1);
  return next === undefined ? undefined : Math.ceil(next * 60 - redirectedSecondsAgo);
}

/** Seconds until a PSP is asked again about a refund whose answer was lost; hourly in the end. */
export function inquiryDelaySeconds(inquiryCount: number): number {
  return [10, 30, 60, 300, 900][inquiryCount] ?? 3_600;
}
