import { expect, test } from 'vitest';
import { nextInquirySeconds, verifyDelaySeconds } from './schedule.ts';

test('F13: a verify without an answer is asked again after 5, 15, 30, 60 and 120 seconds, then every two minutes', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 40].map(verifyDelaySeconds)).toEqual([5, 15, 30, 60, 120, 120, 120, 120]);
});

test('CP6: a browser that stays away is asked about at 5, 8, 12, 18 and 25 minutes, and no more', () => {
  const askedAtMinutes: number[] = [];
  let seconds = 0;
  for (let next = nextInquirySeconds(seconds); next !== undefined; next = nextInquirySeconds(seconds)) {
    seconds += next;
    askedAtMinutes.push(seconds / 60);
  }
  expect(askedAtMinutes).toEqual([5, 8, 12, 18, 25]);
});
