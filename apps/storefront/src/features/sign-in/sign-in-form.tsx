'use client';

import { type FormEvent, useEffect, useRef, useState } from 'react';
import { toLatinDigits } from '@kelid/persian/digits';
import { formatPhone, parseIranianMobile } from '@kelid/persian/phone';
import { shop, type ValueOf } from '../../lib/shop.ts';
import { digits, fill, type Language } from '../../lib/language.ts';
import { useAlive } from '../../lib/use-alive.ts';
import type { Messages } from '../../messages/fa.ts';
import { solvePuzzle } from './solve-puzzle.ts';

type Sent = ValueOf<typeof shop.identity.requestOtp>;

export function SignInForm({ language, m, onDone }: { language: Language; m: Messages['signIn']; onDone: () => void }) {
  const [phone, setPhone] = useState('');
  const [sent, setSent] = useState<Sent>();
  const [code, setCode] = useState('');
  const [error, setError] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const [now, setNow] = useState(0);
  const box = useRef<HTMLInputElement>(null);
  const phoneBox = useRef<HTMLInputElement>(null);
  const isAlive = useAlive();

  // What was typed before the scripts ran is in the field alone.
  useEffect(() => setPhone((known) => known || (phoneBox.current?.value ?? '')), []);

  useEffect(() => {
    if (!sent) return;
    box.current?.focus();
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [sent]);

  const textOf = (problem: string) => (m.errors as Record<string, string>)[problem] ?? m.errors.other;

  async function send(event?: FormEvent) {
    event?.preventDefault();
    const number = parseIranianMobile(phone);
    if (!number) {
      setError(textOf('identity.phone-not-accepted'));
      return;
    }
    setIsBusy(true);
    setError('');
    let answer = await shop.identity.requestOtp({ phone: number });
    if (!answer.ok && answer.code === 'identity.proof-of-work-required') {
      const solution = await solvePuzzle(answer.data.proofOfWork);
      if (solution) answer = await shop.identity.requestOtp({ phone: number, proofOfWork: solution });
    }
    setIsBusy(false);
    if (answer.ok) {
      setCode('');
      setSent(answer.value);
    } else setError(textOf(answer.code));
  }

  async function verify(value: string) {
    if (!sent || isBusy) return;
    setIsBusy(true);
    setError('');
    const answer = await shop.identity.verifyOtp({ challengeId: sent.challengeId, code: value });
    setIsBusy(false);
    if (answer.ok) {
      onDone();
      return;
    }
    setCode('');
    setError(textOf(answer.code));
    box.current?.focus();
  }

  function type(text: string) {
    const value = toLatinDigits(text).replaceAll(/\D/g, '').slice(0, 6);
    setCode(value);
    if (value.length === 6) void verify(value);
  }

  if (!sent) {
    return (
      // By POST, and not before scripts run: a phone number is never in an address.
      <form className="card stack narrow" method="post" onSubmit={(event) => void send(event)} noValidate>
        <h1>{m.title}</h1>
        <label className="field">
          {m.phone}
          <input
            ref={phoneBox}
            type="tel"
            name="phone"
            dir="ltr"
            inputMode="tel"
            autoComplete="tel"
            placeholder={m.phoneHint}
            value={phone}
            onChange={(event) => setPhone(event.target.value)}
            required
            aria-invalid={error !== ''}
            aria-describedby="sign-in-error"
          />
        </label>
        <p id="sign-in-error" role="alert" className={error ? 'note bad' : 'hidden-text'}>
          {error}
        </p>
        <button className="button main wide" disabled={isBusy || !isAlive}>
          {isBusy ? m.working : m.send}
        </button>
      </form>
    );
  }
  const waitSeconds = Math.max(0, Math.ceil((new Date(sent.resendAt).getTime() - now) / 1000));
  return (
    <form
      className="card stack narrow"
      onSubmit={(event) => {
        event.preventDefault();
        void verify(code);
      }}
    >
      <h1>{m.codeTitle}</h1>
      <p className="soft">
        {fill(m.codeSent, { phone: digits(formatPhone(parseIranianMobile(phone) ?? phone), language) })}
      </p>
      <div className="boxes">
        <label className="hidden-text" htmlFor="otp">
          {m.code}
        </label>
        <input
          ref={box}
          id="otp"
          name="otp"
          inputMode="numeric"
          autoComplete="one-time-code"
          pattern="[0-9]*"
          maxLength={12}
          value={code}
          onChange={(event) => type(event.target.value)}
          aria-invalid={error !== ''}
          aria-describedby="sign-in-error"
        />
        {Array.from({ length: 6 }, (_, index) => (
          <span key={index} aria-hidden="true" className={index === code.length ? 'now' : ''}>
            {code[index] ? digits(code[index] ?? '', language) : ''}
          </span>
        ))}
      </div>
      <p id="sign-in-error" role="alert" className={error ? 'note bad' : 'hidden-text'}>
        {error}
      </p>
      <button className="button main wide" disabled={isBusy || code.length < 6}>
        {isBusy ? m.working : m.verify}
      </button>
      <div className="row between">
        <button type="button" className="button plain" disabled={waitSeconds > 0 || isBusy} onClick={() => void send()}>
          {waitSeconds > 0 ? fill(m.resendIn, { seconds: digits(waitSeconds, language) }) : m.resend}
        </button>
        <button
          type="button"
          className="button plain"
          onClick={() => {
            setSent(undefined);
            setError('');
          }}
        >
          {m.change}
        </button>
      </div>
    </form>
  );
}
