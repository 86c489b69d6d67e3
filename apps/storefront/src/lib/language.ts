import { toPersianDigits } from '@kelid/persian/digits';
import { en } from '../messages/en.ts';
import { fa, type Messages } from '../messages/fa.ts';

export type Language = 'fa' | 'en';

export function languageOf(text: string): Language {
  return text === 'en' ? 'en' : 'fa';
}

export function messagesOf(language: Language): Messages {
  return language === 'en' ? en : fa;
}

/** Persian is the shop's own language and has no prefix. */
export function pathIn(language: Language, path: string): string {
  if (language === 'fa') return path;
  return path === '/' ? '/en' : `/en${path}`;
}

export function fill(template: string, values: Record<string, string | number>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_match, name: string) => String(values[name] ?? ''));
}

export function digits(value: string | number, language: Language): string {
  return language === 'fa' ? toPersianDigits(value) : String(value);
}
