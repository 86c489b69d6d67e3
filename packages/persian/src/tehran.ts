/** The shop's days and hours are those of Tehran, which has had no summer time since 2022. */
export const tehranZone = 'Asia/Tehran';

const clock = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
  timeZone: tehranZone,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

type TehranTime = Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', string>;

/** What a clock in Tehran shows, by the Gregorian calendar and of 24 hours: digits, four of the year and two of all else. */
export function tehranTime(atMs: number): TehranTime {
  return Object.fromEntries(clock.formatToParts(atMs).map(({ type, value }) => [type, value])) as TehranTime;
}
