'use client';

import { useRef, useState } from 'react';
import { formatDate, formatDateTime, formatTime } from '@kelid/persian/jalali';
import { formatToman } from '@kelid/persian/toman';
import { shop } from '../../lib/shop.ts';
import { digits, fill, type Language, pathIn } from '../../lib/language.ts';
import type { Messages } from '../../messages/fa.ts';
import { Amounts } from '../../components/amounts.tsx';
import { GameAccountLine } from '../../components/game-account.tsx';
import { KeyComplaint } from './key-complaint.tsx';
import { PayOrder } from './pay-order.tsx';
import { type KeyView, type OrderView, type PaymentView, useOrder } from './use-order.ts';

export function OrderPage({
  orderId,
  language,
  m,
  amountMessages,
  banks,
  accountMessages,
  regions,
  liveUrl,
}: {
  orderId: string;
  language: Language;
  m: Messages['order'];
  amountMessages: Messages['amounts'];
  banks: Messages['banks'];
  accountMessages: Messages['gameAccount'];
  regions: Record<string, string>;
  liveUrl: string;
}) {
  const { order, keys, payment, sought, look } = useOrder(orderId, language, liveUrl);
  const [isBusy, setIsBusy] = useState(false);

  if (order === undefined)
    return (
      <div className="skeleton" role="status">
        <span className="hidden-text">{m.loading}</span>
      </div>
    );
  if (order === null)
    return (
      <div className="card result">
        <h1>{m.missing}</h1>
        <a className="button main" href={pathIn(language, '/orders')}>
          {m.list}
        </a>
      </div>
    );

  async function cancel() {
    if (!confirm(m.cancelSure)) return;
    setIsBusy(true);
    await shop.orders.cancelOrder({ orderId });
    await look();
    setIsBusy(false);
  }

  // Own stock is there within a second; what takes longer is on its way from a supplier.
  const waiting = ['fulfilling', 'part_fulfilled'].includes(order.status)
    ? order.lines.filter((line) => line.deliveredCount < line.quantity && line.status !== 'refunded')
    : [];
  const news = waiting.map((line) =>
    isComing(line) ? fill(m.preOrdered, { date: dayOf(line, language) }) : line.gameAccount ? m.toppingUp : m.supplying,
  );
  // Its money is looked for: nothing to pay, and no deadline, until a person has said where it is.
  const isUnpaid = order.paidAt === null;
  const refunds = payment?.refunds ?? [];
  const walletRial = payment?.walletRial ?? 0;
  const isTopUp = order.lines.every((line) => line.gameAccount !== null);

  return (
    <div className="stack">
      <div className="row between">
        <h1>
          {m.title} <bdi dir="ltr">{order.orderNumber}</bdi>
        </h1>
        <span
          className={`badge ${order.status === 'fulfilled' ? 'good' : order.status === 'pending_payment' ? 'gold' : ''}`}
          data-status={order.status}
        >
          {m.statuses[order.status]}
        </span>
      </div>
      <p className="soft small">
        {m.placed} {formatDateTime(order.placedAt, language)}
      </p>
      <section className="card" aria-live="polite">
        <Progress order={order} steps={isTopUp ? m.topUpSteps : m.steps} />
      </section>
      {order.status === 'review' && (
        <p className="note" data-testid="review">
          {isUnpaid ? m.paymentReviewText : m.reviewText}
        </p>
      )}
      {news.length > 0 && (
        <div className="note" data-testid="supplying">
          {[...new Set(news)].map((text) => (
            <p key={text}>{text}</p>
          ))}
        </div>
      )}
      {order.status === 'refunded' && refunds.length === 0 && (
        <p className="note">{order.totalRial === 0 ? m.freeRefundedText : m.refundedText}</p>
      )}
      {order.status === 'part_refunded' && refunds.length === 0 && <p className="note">{m.partRefundedText}</p>}
      {order.note && <p className="note">{order.note}</p>}
      {order.status === 'pending_payment' && sought && (
        <div className="note row between" role="status" data-testid="sought">
          {sought === 'asking' ? m.asking : m.transferSubmitted}
          {sought !== 'asking' && (
            <a className="button" href={pathIn(language, `/payment/transfer/${sought.transferId}`)}>
              {m.toTransfer}
            </a>
          )}
        </div>
      )}
      {order.status === 'pending_payment' && !sought && (
        <section className="card stack">
          {order.holdExpiresAt && <p>{fill(m.payBefore, { time: formatTime(order.holdExpiresAt, language) })}</p>}
          {walletRial > 0 && walletRial < order.totalRial && (
            <p className="small">
              {fill(m.payRest, {
                wallet: formatToman(walletRial, language),
                bank: formatToman(order.totalRial - walletRial, language),
              })}
            </p>
          )}
          <PayOrder orderId={orderId} language={language} m={banks} label={m.payNow} orderHref={location.href}>
            <button type="button" className="button danger" disabled={isBusy} onClick={() => void cancel()}>
              {m.cancel}
            </button>
          </PayOrder>
        </section>
      )}
      {keys.length > 0 && (
        <section className="card stack">
          <h2>{keys.every((key) => key.kind === 'receipt') ? m.receipts : m.keys}</h2>
          {keys.map((key) => (
            <KeyCard
              key={key.id}
              productKey={key}
              isPaidBack={order.status === 'refunded' && key.revealedAt === null}
              title={titleOf(order, key)}
              language={language}
              m={m}
              guideHref={guideOf(order, key, language)}
              onComplaint={() => void look()}
            />
          ))}
          {keys.some((key) => key.kind !== 'receipt') && <p className="small soft">{m.scam}</p>}
        </section>
      )}
      <section className="card">
        <ul>
          {order.lines.map((line) => (
            <li key={line.id} className="line">
              {line.image ? <img src={line.image} width={88} height={55} alt="" /> : <span />}
              <div>
                <h3>{line.title}</h3>
                <p className="soft small">
                  {line.variantTitle} · {regions[line.region] ?? line.region} · {digits(line.quantity, language)}{' '}
                  {m.quantity}
                </p>
                {line.gameAccount && <GameAccountLine account={line.gameAccount} m={accountMessages} />}
                {isComing(line) && line.deliveredCount < line.quantity && line.status !== 'refunded' && (
                  <p className="small">{fill(m.comesOn, { date: dayOf(line, language) })}</p>
                )}
              </div>
              <strong>{formatToman(line.unitPriceRial * line.quantity, language)}</strong>
            </li>
          ))}
        </ul>
        <div style={{ paddingTop: '.9rem' }}>
          <Amounts of={order} language={language} m={amountMessages} />
        </div>
      </section>
      {refunds.length > 0 && <Refunds refunds={refunds} language={language} m={m} />}
    </div>
  );
}

/** What staff gave back of this order, and where it went. */
function Refunds({
  refunds,
  language,
  m,
}: {
  refunds: PaymentView['refunds'];
  language: Language;
  m: Messages['order'];
}) {
  return (
    <section className="card stack" data-testid="refunds">
      <h2>{m.refunds}</h2>
      <ul className="entries">
        {refunds.map((refund) => (
          <li key={refund.id}>
            <span>
              {m.refundTo[refund.method]}
              <small className="soft">{formatDateTime(refund.createdAt, language)}</small>
            </span>
            <span className="ends">
              <strong>{formatToman(refund.amountRial, language)}</strong>
              <span className={`badge ${refund.status === 'succeeded' ? 'good' : 'gold'}`}>
                {m.refundStatuses[refund.status]}
              </span>
            </span>
          </li>
        ))}
      </ul>
      {refunds.some((refund) => refund.method === 'psp') && <p className="small soft">{m.refundToCardHint}</p>}
      {refunds.some((refund) => refund.method === 'wallet') && (
        <a className="button" href={pathIn(language, '/wallet')}>
          {m.toWallet}
        </a>
      )}
    </section>
  );
}

function Progress({ order, steps }: { order: OrderView; steps: string[] }) {
  const reached = {
    placing: 0,
    pending_payment: 0,
    paid: 2,
    fulfilling: 2,
    part_fulfilled: 3,
    fulfilled: 4,
    review: order.paidAt === null ? 0 : 2,
    cancelled: 0,
    expired: 0,
    refunding: 2,
    part_refunded: 4,
    refunded: 2,
  }[order.status];
  const isMoving = ['paid', 'fulfilling', 'part_fulfilled', 'pending_payment'].includes(order.status);
  return (
    <ol className="progress">
      {steps.map((step, index) => (
        <li
          key={step}
          className={index < reached ? 'done' : index === reached && isMoving ? 'now' : ''}
          aria-current={index === reached && isMoving ? 'step' : undefined}
        >
          {step}
        </li>
      ))}
    </ol>
  );
}

function KeyCard({
  productKey,
  isPaidBack,
  title,
  language,
  m,
  guideHref,
  onComplaint,
}: {
  productKey: KeyView;
  /** Staff gave the money of the whole order back before this key was seen. */
  isPaidBack: boolean;
  title: string;
  language: Language;
  m: Messages['order'];
  guideHref: string;
  onComplaint: () => void;
}) {
  const [code, setCode] = useState<string>();
  const [parts, setParts] = useState<{ label: 'code' | 'pin'; text: string }[]>();
  const [picture, setPicture] = useState<string>();
  const [state, setState] = useState<'idle' | 'working' | 'failed' | 'copied'>('idle');
  const isReceipt = productKey.kind === 'receipt';
  const isShown = code !== undefined || parts !== undefined || picture !== undefined;
  // What was paid back is never shown again.
  const isRefunded = isPaidBack || productKey.complaint === 'refunded';
  const dialog = useRef<HTMLDialogElement>(null);

  async function reveal() {
    dialog.current?.close();
    setState('working');
    const answer = await shop.inventory.revealKey({ orderId: productKey.orderId, keyId: productKey.id });
    if (answer.ok) {
      const { code: text, image } = answer.value;
      setParts(answer.value.parts);
      setCode(text);
      setPicture(image && `data:${image.contentType};base64,${image.contentBase64}`);
    }
    setState(answer.ok ? 'idle' : 'failed');
  }
  async function copy() {
    if (code === undefined) return;
    await navigator.clipboard.writeText(code);
    setState('copied');
  }

  return (
    <div className="keycard">
      <h3>{title}</h3>
      {isReceipt && (
        <p>
          <span className="badge good">{m.toppedUp}</span>
        </p>
      )}
      {parts ? (
        <Parts parts={parts} language={language} m={m} />
      ) : picture === undefined ? (
        <p className="code" data-testid="product-key">
          {code === undefined ? productKey.masked : isReceipt ? code : <Marked code={code} />}
        </p>
      ) : (
        <img className="key-picture" data-testid="product-key-picture" src={picture} alt={m.pictureOfKey} />
      )}
      <div className="row">
        {isRefunded ? null : !isShown ? (
          <button
            type="button"
            className="button main"
            disabled={state === 'working'}
            onClick={() => (productKey.revealedAt === null && !isReceipt ? dialog.current?.showModal() : void reveal())}
          >
            {isReceipt ? m.receipt : m.reveal}
          </button>
        ) : picture !== undefined ? (
          <a className="button main" href={picture} download="key">
            {m.download}
          </a>
        ) : (
          code !== undefined && (
            <button type="button" className="button main" onClick={() => void copy()}>
              {state === 'copied' ? m.copied : m.copy}
            </button>
          )
        )}
        {!isReceipt && !isRefunded && (
          <a className="button plain" href={guideHref}>
            {m.guide}
          </a>
        )}
      </div>
      {(isShown || productKey.complaint !== null || productKey.revealedAt !== null) && (
        <KeyComplaint productKey={productKey} m={m.complaint} onAnswer={onComplaint} />
      )}
      <p role="status" className={state === 'failed' ? 'note bad' : 'hidden-text'}>
        {state === 'failed' ? (isReceipt ? m.failedReceipt : m.failedReveal) : state === 'copied' ? m.copied : ''}
      </p>
      <dialog ref={dialog} aria-label={m.reveal}>
        <div className="stack">
          <p>{m.revealSure}</p>
          <div className="row">
            <button type="button" className="button main" onClick={() => void reveal()}>
              {m.yes}
            </button>
            <button type="button" className="button" onClick={() => dialog.current?.close()}>
              {m.no}
            </button>
          </div>
        </div>
      </dialog>
    </div>
  );
}

/** A code with its PIN, or several codes: each named, and copied by itself. */
function Parts({
  parts,
  language,
  m,
}: {
  parts: { label: 'code' | 'pin'; text: string }[];
  language: Language;
  m: Messages['order'];
}) {
  const [copied, setCopied] = useState<number>();
  // Several of one kind are told apart by their number.
  const isAlone = (label: string) => parts.filter((part) => part.label === label).length === 1;
  const nameOf = (index: number, label: 'code' | 'pin') =>
    isAlone(label) ? m.parts[label] : `${m.parts[label]} ${digits(index + 1, language)}`;

  async function copy(index: number, text: string) {
    await navigator.clipboard.writeText(text);
    setCopied(index);
  }

  return (
    <>
      <ul className="parts" data-testid="product-key">
        {parts.map(({ label, text }, index) => (
          <li key={index}>
            <small className="soft">{nameOf(index, label)}</small>
            <span className="code">
              <Marked code={text} />
            </span>
            <button type="button" className="button" onClick={() => void copy(index, text)}>
              {copied === index ? m.copied : m.copy} <span className="hidden-text">{nameOf(index, label)}</span>
            </button>
          </li>
        ))}
      </ul>
      <p role="status" className="hidden-text">
        {copied === undefined ? '' : m.copied}
      </p>
    </>
  );
}

type Line = OrderView['lines'][number];

/** A pre-order before its day; from that day on it is on its way like all else. */
function isComing(line: Line): boolean {
  return line.releasesOn !== null && line.releasesOn > new Date().toISOString().slice(0, 10);
}

function dayOf(line: Line, language: Language): string {
  return formatDate(`${line.releasesOn}T12:00:00Z`, language);
}

/** The letters that people mistake for digits stand out; copying gives the plain text. */
function Marked({ code }: { code: string }) {
  return (
    <>{code.split(/([0O1Il])/).map((part, index) => (/^[0O1Il]$/.test(part) ? <b key={index}>{part}</b> : part))}</>
  );
}

function titleOf(order: OrderView, key: KeyView): string {
  const line = order.lines.find((candidate) => candidate.id === key.orderLineId);
  return line ? `${line.title} · ${line.variantTitle}` : '';
}

function guideOf(order: OrderView, key: KeyView, language: Language): string {
  const line = order.lines.find((candidate) => candidate.id === key.orderLineId);
  return pathIn(language, `/p/${line?.productSlug ?? ''}#guide`);
}
