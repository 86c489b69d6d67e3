'use client';

import { useRef, useState } from 'react';
import { call } from '../../lib/browser-fetch.ts';
import type { Messages } from '../../messages/fa.ts';
import type { KeyView } from './use-order.ts';

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
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState<(typeof reasons)[number]>('already-used');
  const [state, setState] = useState<'idle' | 'working' | 'failed'>('idle');

  if (productKey.complaint !== null)
    return (
      <p className={productKey.complaint === 'replaced' ? 'note' : 'small soft'} data-testid="complaint">
        {m.answers[productKey.complaint]}
      </p>
    );

  async function send() {
    setState('working');
    const answer = await call('POST', `/orders/${productKey.orderId}/keys/${productKey.id}/complaint`, { reason });
    setState(answer.ok ? 'idle' : 'failed');
    if (!answer.ok) return;
    dialog.current?.close();
    onAnswer();
  }

  return (
    <>
      <button type="button" className="button plain" onClick={() => dialog.current?.showModal()}>
        {m.open}
      </button>
      <dialog ref={dialog} aria-label={m.open}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          <fieldset className="stack">
            <legend>{m.question}</legend>
            {reasons.map((name) => (
              <label key={name} className="row">
                <input type="radio" name="reason" checked={reason === name} onChange={() => setReason(name)} />
                {m.reasons[name]}
              </label>
            ))}
          </fieldset>
          <p role="status" className={state === 'failed' ? 'note bad' : 'hidden-text'}>
            {state === 'failed' ? m.failed : ''}
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
