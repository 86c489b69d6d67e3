import { expect, test } from 'vitest';
import { nextInquirySeconds, verifyDelaySeconds } from './schedule.rules.ts';

test('F13: a verify without an answer is asked again after 5, 15, 30, 60 and 120 seconds, then every two minutes', () => {
  const clock = { redirectedSecondsAgo: 60, chargedSecondsAgo: 30, windowSeconds: 1_800 };
  expect([1, 2, 3, 4, 5, 6, 7, 40].map((count) => verifyDelaySeconds(count, clock))).toEqual([
    5, 15, 30, 60, 120, 120, 120, 120,
  ]);
});

test.each([15, 20, 30])(
  'F13: a window of %i minutes is never slept through, whenever the card was charged and whenever the first verify failed',
  (minutes) => {
    const windowSeconds = minutes * 60;
    for (let chargedAt = 0; chargedAt <= 1_200; chargedAt += 60)
      for (let failedAt = chargedAt; failedAt < chargedAt + windowSeconds; failedAt += 60) {
        // Heard of with the first verify, which is the latest that the bank may count from.
        const looks: number[] = [];
        for (let at = failedAt, count = 1; looks.length < 200; count += 1) {
          const clock = { redirectedSecondsAgo: at, chargedSecondsAgo: at - failedAt, windowSeconds };
          at += verifyDelaySeconds(count, clock);
          if (at - failedAt >= windowSeconds) break;
          looks.push(at);
        }
        const endsAt = chargedAt + windowSeconds;
        const last = looks.filter((at) => at < endsAt).at(-1) ?? failedAt;
        if (endsAt - failedAt > 31)
          expect(endsAt - last, `charged at ${chargedAt}, failed at ${failedAt}`).toBeLessThanOrEqual(31);
      }
  },
);

test('CP6: a browser that stays away is asked about at 5, 8, 12, 18 and 25 minutes, and no more', () => {
  const askedAtMinutes: number[] = [];
  let seconds = 0;
  for (let next = nextInquirySeconds(seconds); next !== undefined; next = nextInquirySeconds(seconds)) {
    seconds += next;
    askedAtMinutes.push(seconds / 60);
  }
  expect(askedAtMinutes).toEqual([5, 8, 12, 18, 25]);
});

test('CP6: a bank that only verify can ask is asked at 1, 3, 6, 10, 13, 18 and 25 minutes', () => {
  const askedAtMinutes: number[] = [];
  let seconds = 0;
  for (let next = nextInquirySeconds(seconds, true); next !== undefined; next = nextInquirySeconds(seconds, true)) {
    seconds += next;
    askedAtMinutes.push(seconds / 60);
  }
  expect(askedAtMinutes).toEqual([1, 3, 6, 10, 13, 18, 25]);
});
