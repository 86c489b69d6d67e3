import { type SQL, sql } from 'drizzle-orm';
import { searchKey } from '@kelid/persian/normalize';
import { products } from './schema.ts';
import { swapKeyboard } from '../domain/search-text.ts';

const wordsMax = 8;
/** How alike a mistyped word must be: `strke` and `strike` share two thirds of their trigrams. */
const similarityMin = 0.5;

export interface Search {
  matches: SQL;
  rank: SQL;
}

/** Every word must be found, as it is or mistyped; undefined when nothing searchable was typed. */
export function searchFor(text: string): Search | undefined {
  const asTyped = wordsOf(text);
  if (asTyped.length === 0) return undefined;
  const swapped = wordsOf(swapKeyboard(text));
  const matchesTyped = allWords(asTyped);
  return {
    matches: swapped.length === 0 ? matchesTyped : sql`(${matchesTyped} or ${allWords(swapped)})`,
    // The better of the two, not their sum: letters that nobody meant are somewhat like many names.
    rank: swapped.length === 0 ? rankOf(asTyped) : sql`greatest(${rankOf(asTyped)}, ${rankOf(swapped)} / 2)`,
  };
}

function wordsOf(text: string): string[] {
  return searchKey(text).split(' ').filter(Boolean).slice(0, wordsMax);
}

function allWords(words: string[]): SQL {
  return sql`(${sql.join(words.map(oneWord), sql` and `)})`;
}

function oneWord(word: string): SQL {
  // searchKey leaves letters, digits and spaces only, so nothing of LIKE's own signs is in a word.
  const isFound = sql`${products.searchText} like ${`%${word}%`}`;
  return word.length < 3
    ? isFound
    : sql`(${isFound} or word_similarity(${word}, ${products.searchText}) >= ${similarityMin})`;
}

function rankOf(words: string[]): SQL {
  const phrase = words.join(' ');
  return sql`(word_similarity(${phrase}, ${products.searchText}) + case when ${products.searchText} like ${`${phrase}%`} then 1 when ${products.searchText} like ${`%${phrase}%`} then 0.5 else 0 end)`;
}
