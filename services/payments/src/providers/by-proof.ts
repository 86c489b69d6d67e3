import { z } from 'zod';
import type { AskedAttempt, InquiryAnswer, VerifyAnswer } from './psp.ts';

/** What a signed message or a person has told of an attempt; written into its row by nothing else. */
const Proof = z.object({ paidRial: z.string().regex(/^\d{1,15}$/), reference: z.string().min(1).max(60) });

/** Money that was told to be there, for the very amount that was asked for. A later word of failure takes nothing back. */
export function verifyByProof({ proof, amountRial }: AskedAttempt): VerifyAnswer {
  const told = Proof.safeParse(proof);
  if (!told.success)
    return proof['failure'] === undefined ? { kind: 'unknown' } : { kind: 'declined', pspCode: proof['failure'] };
  const { paidRial, reference } = told.data;
  if (Number(paidRial) !== amountRial) return { kind: 'mismatch', pspCode: `amount ${paidRial}` };
  return { kind: 'approved', wasVerifiedBefore: false, reference, cardMasked: null, cardHash: null };
}

export function inquireByProof({ proof }: AskedAttempt): InquiryAnswer {
  if (proof['paidRial'] !== undefined) return 'paid';
  return proof['failure'] === undefined ? 'in-bank' : 'failed';
}
