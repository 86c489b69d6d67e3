import { tehranZone } from './tehran.ts';

type Language = 'fa' | 'en';

function locale(language: Language): string {
  return language === 'fa' ? 'fa-IR-u-ca-persian' : 'en-GB';
}

/** The day in Tehran: ۲۹ آبان ۱۴۰۵, or 20 November 2026. */
export function formatDate(instant: string | Date, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), {
    timeZone: tehranZone,
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  }).format(new Date(instant));
}

/** The time of day in Tehran, 24 hours. */
export function formatTime(instant: string | Date, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), {
    timeZone: tehranZone,
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
  }).format(new Date(instant));
}

export function formatDateTime(instant: string | Date, language: Language): string {
  return `${formatDate(instant, language)}${language === 'fa' ? '، ' : ', '}${formatTime(instant, language)}`;
}

/** Year, month and day of the Jalali calendar in Tehran, as numbers. */
export function jalaliParts(instant: string | Date): { year: number; month: number; day: number } {
  const parts = new Intl.DateTimeFormat('en-US-u-ca-persian-nu-latn', {
    timeZone: tehranZone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  }).formatToParts(new Date(instant));
  const part = (type: string) => Number(parts.find((candidate) => candidate.type === type)?.value);
  return { year: part('year'), month: part('month'), day: part('day') };
}
