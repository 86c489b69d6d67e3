import { toLatinDigits } from '@kelid/persian/digits';
import { searchKey } from '@kelid/persian/normalize';
import { CsvError, readCsv } from './csv.rules.ts';
import type { SettlementFormat } from './settlement-formats.rules.ts';

export interface SettlementRow {
  line: number;
  kind: 'payment' | 'refund';
  reference: string;
  token: string | null;
  amount: number;
  fee: number;
  net: number;
  feeIsHigh: boolean;
}

export interface SettlementError {
  line: number;
  column: string | null;
  message: string;
}

const rowsMax = 10_000;
const errorsMax = 20;

/** The payments and refunds of a report, or every place where it cannot be understood: half of a file is never taken. */
export function readSettlement(
  csv: string,
  format: SettlementFormat,
): { rows: SettlementRow[] } | { errors: SettlementError[] } {
  try {
    const [header, ...records] = readCsv(csv);
    if (!header) return { errors: [{ line: 1, column: null, message: 'the file is empty' }] };
    if (records.length > rowsMax) return { errors: [{ line: 1, column: null, message: `more than ${rowsMax} lines` }] };
    const columns = findColumns(header.fields, format);
    if ('errors' in columns) return columns;
    const errors: SettlementError[] = [];
    const rows: SettlementRow[] = [];
    for (const { line, fields } of records) {
      if (fields.length !== header.fields.length) {
        errors.push({ line, column: null, message: `${fields.length} fields, but ${header.fields.length} columns` });
        continue;
      }
      const failed = (column: string, message: string) => void errors.push({ line, column, message });
      const row = readRow(fields, columns, format, failed);
      if (row) rows.push({ line, ...row });
    }
    return errors.length > 0 ? { errors: errors.slice(0, errorsMax) } : { rows };
  } catch (error) {
    if (error instanceof CsvError) return { errors: [{ line: error.line, column: null, message: error.message }] };
    throw error;
  }
}

interface Column {
  name: string;
  at: number;
}
interface Columns {
  reference: Column[];
  amount: Column;
  token: Column | undefined;
  fee: Column | undefined;
  net: Column | undefined;
  kind: Column | undefined;
}

function findColumns(header: string[], format: SettlementFormat): Columns | { errors: SettlementError[] } {
  // Banks write ی and ک of either alphabet.
  const known = header.map(searchKey);
  const find = (names: string[]): Column | undefined => {
    const at = names.map((name) => known.indexOf(searchKey(name))).find((index) => index !== -1);
    return at === undefined ? undefined : { name: header[at] ?? '', at };
  };
  const reference = format.reference.flatMap((names) => find(names) ?? []);
  const amount = find(format.amount);
  const errors: SettlementError[] = [];
  const lacks = (names: string[]) =>
    errors.push({
      line: 1,
      column: names[0] ?? null,
      message: `there is no such column, nor ${names.slice(1).join(', ')}`,
    });
  if (reference.length === 0) lacks(format.reference.flat());
  if (!amount) lacks(format.amount);
  const twice = known.findIndex((name, index) => name !== '' && known.indexOf(name) !== index);
  if (twice !== -1) errors.push({ line: 1, column: header[twice] ?? null, message: 'this column is there twice' });
  if (!amount || errors.length > 0) return { errors };
  const optional = {
    token: find(format.token),
    fee: find(format.fee),
    net: find(format.net),
    kind: find(format.kind),
  };
  return { reference, amount, ...optional };
}

function readRow(
  fields: string[],
  columns: Columns,
  format: SettlementFormat,
  failed: (column: string, message: string) => void,
): Omit<SettlementRow, 'line'> | undefined {
  const text = (column: Column | undefined) => toLatinDigits(fields[column?.at ?? -1] ?? '').trim();
  const kind = readKind(text(columns.kind), format);
  if (kind === 'other') return undefined;
  if (kind === undefined) {
    failed(columns.kind?.name ?? '', 'neither a payment nor a refund');
    return undefined;
  }
  const reference = columns.reference
    .map(text)
    .filter((part) => part !== '')
    .join('-');
  const token = text(columns.token);
  if (reference === '' && token === '') failed(columns.reference[0]?.name ?? '', 'nothing names the payment');
  const amountOf = (column: Column, least: 0 | 1) => {
    const amount = readAmount(text(column), format.unit);
    // Some write what leaves the account with a minus: a refund and its net.
    const size = kind === 'refund' && amount !== undefined ? Math.abs(amount) : amount;
    if (size === undefined) failed(column.name, 'not a whole amount');
    else if (size < least) failed(column.name, 'too small an amount');
    return size ?? 0;
  };
  const amount = amountOf(columns.amount, 1);
  const fee = columns.fee && text(columns.fee) !== '' ? amountOf(columns.fee, 0) : 0;
  const net = columns.net ? amountOf(columns.net, 0) : kind === 'refund' ? amount + fee : amount - fee;
  const { permille, rial } = format.feeMax;
  // Cents have no Rial of their own, so only the share is looked at.
  const feeMax = BigInt(amount) * BigInt(permille) + (format.unit === 'cents' ? 0n : BigInt(rial) * 1000n);
  const feeIsHigh = kind === 'payment' && BigInt(fee) * 1000n > feeMax;
  return { kind, reference: reference || token, token: token || null, amount, fee, net, feeIsHigh };
}

function readKind(word: string, format: SettlementFormat): 'payment' | 'refund' | 'other' | undefined {
  const isOneOf = (words: string[]) => words.some((known) => searchKey(known) === searchKey(word));
  if (word === '' || isOneOf(format.paymentWords)) return 'payment';
  if (isOneOf(format.refundWords)) return 'refund';
  return isOneOf(format.otherWords) ? 'other' : undefined;
}

/** Digits alone or in groups of three; nothing is rounded and no float is made of it (I27). */
function readAmount(text: string, unit: SettlementFormat['unit']): number | undefined {
  const shape =
    unit === 'cents' ? /^-?(\d{1,12}|\d{1,3}(,\d{3}){1,4})(\.\d{1,2})?$/ : /^-?(\d{1,16}|\d{1,3}([,٬]\d{3}){1,5})$/;
  if (!shape.test(text)) return undefined;
  const [whole = '', cents = ''] = text.replaceAll(/[,٬]/g, '').split('.');
  const digits = unit === 'cents' ? `${whole}${cents.padEnd(2, '0')}` : unit === 'toman' ? `${whole}0` : whole;
  const amount = Number(digits);
  return Number.isSafeInteger(amount) ? amount : undefined;
}
