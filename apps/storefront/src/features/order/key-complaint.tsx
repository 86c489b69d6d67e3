'use client';

import { useRef, useState } from 'react';
import { shop } from '../../lib/shop.ts';
import type { Messages } from '../../messages/fa.ts';
import type { KeyView } from './use-order.ts';

const pictureTypes = ['image/png', 'image/jpeg', 'image/gif'];
const pictureBytesMax = 1024 * 1024;
const reasons = ['already-used', 'invalid', 'wrong-region', 'not-active-yet'] as const;

/** What the owner of a product key that does not work does: names why, and is answered at once. */
export function KeyComplaint({
  productKey,
  m,
  onAnswer,
}: {
  productKey: KeyView;
  m: Messages['order']['complaint'];
  onAnswer: () => void;
}) {
  const isReceipt = productKey.kind === 'receipt';
  const offered = isReceipt ? (['invalid'] as const) : reasons;
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState<(typeof reasons)[number]>(isReceipt ? 'invalid' : 'already-used');
  const [picture, setPicture] = useState<string>();
  const [state, setState] = useState<'idle' | 'working' | 'failed' | 'picture'>('idle');

  if (productKey.complaint !== null)
    return (
      <p
        className={productKey.complaint === 'replaced' || productKey.complaint === 'refunded' ? 'note' : 'small soft'}
        data-testid="complaint"
      >
        {(isReceipt ? m.topUpAnswers : m.answers)[productKey.complaint]}
      </p>
    );

  async function send() {
    setState('working');
    const answer = await shop.inventory.reportKey({
      orderId: productKey.orderId,
      keyId: productKey.id,
      reason,
      ...(picture === undefined ? {} : { pictureBase64: picture }),
    });
    setState(answer.ok ? 'idle' : 'failed');
    if (!answer.ok) return;
    dialog.current?.close();
    onAnswer();
  }

  async function choose(input: HTMLInputElement) {
    const file = input.files?.[0];
    setPicture(undefined);
    setState('idle');
    if (!file) return;
    if (!pictureTypes.includes(file.type) || file.size > pictureBytesMax) {
      input.value = ''; // Its name would look as if it went along.
      setState('picture');
      return;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    // Piece by piece: one call with a million arguments is refused by browsers.
    let text = '';
    for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
    setPicture(btoa(text));
  }

  return (
    <>
      <button type="button" className="button plain" onClick={() => dialog.current?.showModal()}>
        {isReceipt ? m.openTopUp : m.open}
      </button>
      <dialog ref={dialog} aria-label={isReceipt ? m.openTopUp : m.open}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          <fieldset className="stack">
            <legend>{isReceipt ? m.questionTopUp : m.question}</legend>
            {offered.map((name) => (
              <label key={name} className="row">
                <input type="radio" name="reason" checked={reason === name} onChange={() => setReason(name)} />
                {isReceipt ? m.notArrived : m.reasons[name]}
              </label>
            ))}
          </fieldset>
          <label className="field">
            {m.picture}
            <input type="file" accept={pictureTypes.join(',')} onChange={(event) => void choose(event.target)} />
          </label>
          <p role="status" className={state === 'failed' || state === 'picture' ? 'note bad' : 'hidden-text'}>
            {state === 'failed' ? m.failed : state === 'picture' ? m.wrongPicture : ''}
          </p>
          <div className="row">
            <button type="submit" className="button main" disabled={state === 'working'}>
              {m.send}
            </button>
            <button type="button" className="button" onClick={() => dialog.current?.close()}>
              {m.close}
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
