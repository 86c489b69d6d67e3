import type { Psp } from '@kelid/contracts/payments';

/** How a PSP's report of a day reads. Each column is found by any of its names, in any letter case. */
export interface SettlementFormat {
  /** Joined by a dash where one attempt is known by several numbers; an empty one is left out. */
  reference: string[][];
  /** The PSP's handle from the request, for payments that we never knew the reference of. */
  token: string[];
  amount: string[];
  /** Absent in reports without a fee. */
  fee: string[];
  net: string[];
  kind: string[];
  refundWords: string[];
  paymentWords: string[];
  /** Lines of these kinds are no payments of customers, such as the payout itself. */
  otherWords: string[];
  /** `cents`: of the account's currency, as a decimal number; the attempt tells how many Rial that was. */
  unit: 'rial' | 'toman' | 'cents';
  /** The most that the contract lets the PSP keep of a payment: so many of a thousand, and so many Rial. */
  feeMax: { permille: number; rial: number };
}

const iranian: SettlementFormat = {
  reference: [['شماره مرجع', 'کد مرجع', 'reference']],
  token: ['توکن', 'token'],
  amount: ['مبلغ', 'مبلغ تراکنش', 'amount'],
  fee: ['کارمزد', 'fee', 'wage'],
  net: ['مبلغ خالص', 'مبلغ واریزی', 'net', 'net amount'],
  kind: ['نوع', 'نوع تراکنش', 'type'],
  refundWords: ['استرداد', 'برگشت', 'برگشتی', 'refund', 'reversal'],
  paymentWords: ['خرید', 'پرداخت', 'فروش', 'purchase', 'payment', 'sale'],
  otherWords: ['تسویه', 'واریز', 'settlement', 'payout'],
  unit: 'rial',
  feeMax: { permille: 15, rial: 12_000 },
};

/** The names that their panels use; another panel, or another language of it, is a name more here. */
export const settlementFormats: Partial<Record<Psp, SettlementFormat>> = {
  zarinpal: {
    ...iranian,
    reference: [['ref_id', 'reference_id', 'شماره پیگیری', 'کد پیگیری', ...(iranian.reference[0] ?? [])]],
    token: ['authority', 'شناسه پرداخت'],
  },
  zibal: {
    ...iranian,
    reference: [['refNumber', 'ref_number', 'شماره مرجع', 'شماره مرجع تراکنش']],
    token: ['trackId', 'track_id', 'شناسه تراکنش', 'کد رهگیری'],
  },
  sep: {
    ...iranian,
    reference: [['RefNum', 'ref num', 'رسید دیجیتالی', 'شماره ارجاع', 'شماره مرجع']],
  },
  behpardakht: {
    ...iranian,
    reference: [['SaleReferenceId', 'sale reference id', 'شماره مرجع خرید', 'شماره مرجع']],
    token: ['RefId', 'ref id', 'توکن'],
  },
  sadad: {
    ...iranian,
    reference: [
      ['RetrivalRefNo', 'RRN', 'شماره ارجاع', 'شماره مرجع'],
      ['SystemTraceNo', 'TraceNo', 'شماره پیگیری'],
    ],
  },
  stripe: {
    reference: [['payment_intent_id']],
    token: ['charge_id'],
    amount: ['gross'],
    fee: ['fee'],
    net: ['net'],
    kind: ['reporting_category'],
    refundWords: ['refund'],
    paymentWords: ['charge'],
    otherWords: ['payout', 'payout_reversal', 'fee', 'topup', 'other_adjustment'],
    unit: 'cents',
    feeMax: { permille: 45, rial: 1_000_000 },
  },
};
