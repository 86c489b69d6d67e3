'use client';

import { useCallback, useEffect, useState } from 'react';
import { formatToman } from '@kelid/persian/toman';
import { shop } from '../../lib/shop.ts';
import { fill, type Language } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';
import { SignInForm } from '../sign-in/sign-in-form.tsx';
import { BankAccounts } from './bank-accounts.tsx';
import { Failure } from './list-card.tsx';
import { Limits } from './limits.tsx';
import { TopUpForm } from './top-up-form.tsx';
import { useList } from './use-list.ts';
import { WalletEntries } from './wallet-entries.tsx';
import { Withdrawals } from './withdrawals.tsx';

const askAccounts = () => shop.payments.listBankAccounts({});

interface Props {
  language: Language;
  m: Messages['wallet'];
  banks: Messages['banks'];
  signIn: Messages['signIn'];
}

export function WalletPage({ isSignedIn, ...props }: Props & { isSignedIn: boolean }) {
  const [isKnown, setIsKnown] = useState(isSignedIn);
  if (isKnown) return <Wallet {...props} onUnknown={() => setIsKnown(false)} />;
  // A whole navigation, so that every part of the page knows who is here.
  return <SignInForm language={props.language} m={props.signIn} onDone={() => location.reload()} />;
}

function Wallet({ language, m, banks, onUnknown }: Props & { onUnknown: () => void }) {
  const [wallet, setWallet] = useState<{ balanceRial: number; heldRial: number }>();
  const [failedStatus, setFailedStatus] = useState<number>();
  const accounts = useList(askAccounts);

  const look = useCallback(async () => {
    const answer = await shop.payments.getWallet({});
    setFailedStatus(answer.ok ? undefined : answer.status);
    if (answer.ok) setWallet(answer.value);
    else if (answer.status === 401) onUnknown();
  }, [onUnknown]);
  useEffect(() => void look(), []);

  const freeRial = wallet ? wallet.balanceRial - wallet.heldRial : 0;
  return (
    <>
      <section className="card stack balance" aria-live="polite">
        <h2>{m.balance}</h2>
        {!wallet && failedStatus === undefined && (
          <div className="skeleton">
            <span className="hidden-text">{m.loading}</span>
          </div>
        )}
        {wallet && (
          <p className="balance-amount" data-testid="balance">
            {formatToman(freeRial, language)}
          </p>
        )}
        {wallet && wallet.heldRial > 0 && (
          <p className="small" data-testid="held">
            {fill(m.held, { amount: formatToman(wallet.heldRial, language) })}
          </p>
        )}
        {failedStatus !== undefined && <Failure status={failedStatus} m={m} onRetry={() => void look()} />}
      </section>
      <div className="two">
        <div className="stack">
          <TopUpForm language={language} m={m} banks={banks} />
          <WalletEntries language={language} m={m} />
        </div>
        <div className="stack">
          <Withdrawals accounts={accounts} freeRial={freeRial} onMoved={look} language={language} m={m} />
          <BankAccounts accounts={accounts} m={m} />
          <Limits language={language} m={m} />
        </div>
      </div>
    </>
  );
}
