export interface CsvRecord {
  /** Where it begins in the file, from 1. */
  line: number;
  fields: string[];
}

export class CsvError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Records of a file as RFC 4180 has them. It guesses nothing: money is booked by what is read here. */
export function readCsv(text: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  let line = 1;
  let at = 0;
  while (at < source.length) {
    const record: CsvRecord = { line, fields: [] };
    for (;;) {
      const field = readField(source, at, line);
      record.fields.push(field.value);
      line += field.newLines;
      at = field.end;
      if (source[at] !== ',') break;
      at += 1;
    }
    if (source.startsWith('\r\n', at)) at += 2;
    else if (source[at] === '\n') at += 1;
    else if (at < source.length) throw new CsvError(line, 'something follows a closing quote');
    line += 1;
    if (record.fields.length > 1 || record.fields[0] !== '') records.push(record);
  }
  return records;
}

function readField(source: string, start: number, line: number): { value: string; end: number; newLines: number } {
  if (source[start] !== '"') {
    let end = start;
    while (end < source.length && source[end] !== ',' && source[end] !== '\n' && !source.startsWith('\r\n', end)) {
      if (source[end] === '"') throw new CsvError(line, 'a quote stands inside a field that has none around it');
      end += 1;
    }
    return { value: source.slice(start, end), end, newLines: 0 };
  }
  let value = '';
  let at = start + 1;
  for (;;) {
    const quote = source.indexOf('"', at);
    if (quote === -1) throw new CsvError(line, 'a quote is never closed');
    value += source.slice(at, quote);
    at = quote + 1;
    if (source[at] !== '"') break;
    value += '"';
    at += 1;
  }
  return { value, end: at, newLines: value.split('\n').length - 1 };
}

/** The text of a file that spreadsheets open: with a mark, since without it they take Persian for something else. */
export function writeCsv(rows: readonly (readonly (string | number | null)[])[]): string {
  return `\uFEFF${rows.map((row) => `${row.map(writeField).join(',')}\r\n`).join('')}`;
}

function writeField(value: string | number | null): string {
  if (typeof value === 'number') return String(value);
  // A spreadsheet runs a text that begins so; what others wrote into a note must stay a text.
  const text = /^[=+\-@\t\r]/.test(value ?? '') ? `'${value}` : (value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
