import { expect, test } from 'vitest';
import { readSettlement } from './read-settlement.rules.ts';
import { type SettlementFormat, settlementFormats } from './settlement-formats.rules.ts';

function formatOf(psp: keyof typeof settlementFormats): SettlementFormat {
  const format = settlementFormats[psp];
  if (!format) throw new Error(`No format of ${psp}`);
  return format;
}
const zarinpal = formatOf('zarinpal');
const amountOf = (amount: string, format = zarinpal) => {
  const header = format.unit === 'cents' ? 'payment_intent_id,gross' : 'شماره پیگیری,مبلغ';
  const read = readSettlement(`${header}\n77,"${amount}"\n`, format);
  return 'rows' in read ? read.rows[0]?.amount : read.errors;
};

test.each([
  ['1250000', 1_250_000],
  ['1,250,000', 1_250_000],
  ['۱٬۲۵۰٬۰۰۰', 1_250_000],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
])('I27: %s is read as whole Rial', (text, amount) => {
  expect(amountOf(text)).toBe(amount);
});

test.each(['9007199254740992', '1e6', '12.5', '1,25', '-0x1', '', '-5', '0', 'NaN', '12 000'])(
  'I27: an amount of %j is refused, with its line and column',
  (text) => {
    expect(amountOf(text)).toMatchObject([{ line: 2, column: 'مبلغ' }]);
  },
);

test.each([
  ['12.50', 1250],
  ['12.5', 1250],
  ['1,012', 101_200],
  ['0.07', 7],
])('I27: %s of a foreign currency is counted in cents without a float', (text, cents) => {
  expect(amountOf(text, formatOf('stripe'))).toBe(cents);
});

test('Toman are ten Rial, and not beyond what a number holds', () => {
  const toman = { ...zarinpal, unit: 'toman' as const };
  expect(amountOf('125,000', toman)).toBe(1_250_000);
  expect(amountOf('900719925474100', toman)).toMatchObject([{ column: 'مبلغ' }]);
});

test('F19: kinds, signs and references of each PSP are read by its own columns', () => {
  expect(
    readSettlement(
      'نوع,شماره پیگیری,مبلغ,کارمزد,مبلغ خالص\nخرید,۱۲,1000000,5000,995000\nاسترداد,13,-1000000,0,-1000000\nتسویه,,1,0,1\n',
      zarinpal,
    ),
  ).toEqual({
    rows: [
      {
        line: 2,
        kind: 'payment',
        reference: '12',
        token: null,
        amount: 1_000_000,
        fee: 5_000,
        net: 995_000,
        feeIsHigh: false,
      },
      {
        line: 3,
        kind: 'refund',
        reference: '13',
        token: null,
        amount: 1_000_000,
        fee: 0,
        net: 1_000_000,
        feeIsHigh: false,
      },
    ],
  });
  expect(readSettlement('RRN,TraceNo,Amount\n5,9,1000\n6,,1000\n', formatOf('sadad'))).toMatchObject({
    rows: [{ reference: '5-9' }, { reference: '6' }],
  });
  expect(readSettlement('RefNum,Amount,Wage\nx,1000000,27001\n', formatOf('sep'))).toMatchObject({
    rows: [{ feeIsHigh: true }],
  });
  expect(readSettlement('SaleReferenceId,amount\n1,10\n', formatOf('behpardakht'))).toMatchObject({
    rows: [{ reference: '1' }],
  });
  expect(readSettlement('trackId,amount\n1,10\n', formatOf('zibal'))).toMatchObject({
    errors: [{ line: 1, column: 'refNumber' }],
  });
});

test('F19: a header in Arabic letters and a kind in capitals are the same words', () => {
  expect(readSettlement('شماره پيگيري,مبلغ,نوع\n7,10,Refund\n', zarinpal)).toMatchObject({
    rows: [{ kind: 'refund', reference: '7' }],
  });
});

test('every place that cannot be understood is named, and no row is given', () => {
  expect(readSettlement('', zarinpal)).toMatchObject({ errors: [{ line: 1 }] });
  expect(readSettlement('a,b\n1,2\n', zarinpal)).toMatchObject({
    errors: [
      { line: 1, column: 'ref_id' },
      { line: 1, column: 'مبلغ' },
    ],
  });
  expect(readSettlement('ref_id,amount,amount\n1,2,3\n', zarinpal)).toMatchObject({
    errors: [{ line: 1, column: 'amount' }],
  });
  expect(readSettlement('ref_id,amount,type\n1,2\n,5,\n7,x,gift\n8,9,\n', zarinpal)).toEqual({
    errors: [
      { line: 2, column: null, message: '2 fields, but 3 columns' },
      { line: 3, column: 'ref_id', message: 'nothing names the payment' },
      { line: 4, column: 'type', message: 'neither a payment nor a refund' },
    ],
  });
});
